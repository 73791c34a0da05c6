"""How long a guest takes from power on to its login prompt, from images of each kind.

The disk is a raw one that is a root file system (ext2 to ext4) with a Linux kernel and its initrd
in /boot; make-images beside the versions' benchmark makes such disks. It is booted as it is, and
converted by qdedup in clusters of 4, 16 and 64 KiB, plain and compressed by zlib and zstd, and by
qemu-img in clusters of 64 KiB. All take turns. Nothing is written to the files (`snapshot=on`), and
QEMU has its default caches.
"""

import os
import re
import selectors
import subprocess
import time

import reading

# Emulation (tcg) takes so long itself that a slow disk hardly shows.
ACCELERATORS = ["kvm", "tcg"]
PROMPT = b"login:"
MOST_SECONDS = 600


class BootFailure(Exception):
    """A guest that does not arrive at its prompt, or a disk that is none to boot from."""


def accelerator():
    """What QEMU can run guests with here, as far as rights tell."""
    return "kvm" if os.access("/dev/kvm", os.R_OK | os.W_OK) else "tcg"


def take_kernel(run, disk, work):
    """Takes a kernel and its initrd out of the disk, the last by name: (kernel, initrd)."""
    names = re.findall(r"vmlinuz-\S+", run("debugfs", "-R", "ls -l /boot", disk))
    if not names:
        raise BootFailure(f"{disk}: has no kernel in /boot, or is no ext4 file system")
    version = max(names).removeprefix("vmlinuz-")
    paths = []
    for name in (f"vmlinuz-{version}", f"initrd.img-{version}"):
        path = os.path.join(work, name)
        run("debugfs", "-R", f"dump /boot/{name} {path}", disk)
        paths.append(path)
    return paths


def boot(image, image_format, kernel, accel):
    """Boots a guest, and ends it at its prompt: the seconds."""
    command = [
        "qemu-system-x86_64", "-accel", accel, "-m", "1024", "-smp", "2", "-nographic", "-no-reboot",
        "-net", "none", "-kernel", kernel[0], "-initrd", kernel[1],
        "-append", "root=/dev/vda rw console=ttyS0",
        "-drive", f"file={image},format={image_format},if=virtio,snapshot=on"]
    begin, said = time.perf_counter(), b""
    with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT) as guest, selectors.DefaultSelector() as selector:
        selector.register(guest.stdout, selectors.EVENT_READ)
        try:
            while PROMPT not in said:
                left = begin + MOST_SECONDS - time.perf_counter()
                ready = left > 0 and selector.select(left)
                piece = os.read(guest.stdout.fileno(), 65536) if ready else b""
                if not piece:
                    last = said.decode(errors="replace").splitlines()[-3:]
                    raise BootFailure(
                        f"{image}: no login prompt in {time.perf_counter() - begin:.0f} s with "
                        f"{accel} (--accel names another); the last words: {' / '.join(last)}")
                said += piece
            return round(time.perf_counter() - begin, 3)
        finally:
            guest.kill()


def measure(run, qdedup, disk, work, rounds, accel):
    """All rows. `run` runs a command and raises if it fails."""
    kernel = take_kernel(run, disk, work)
    rows = [{"mode": "raw", "cluster": "", "maker": "", "path": disk}]
    makers = [("qdedup", cluster) for cluster in reading.CLUSTERS] + [("qemu-img", "64K")]
    for mode in reading.MODES:
        for maker, cluster in makers:
            path = os.path.join(work, f"{mode}-{cluster}-{maker}")
            reading.make(run, qdedup, maker, disk, path, mode, cluster)
            rows.append({"mode": mode, "cluster": cluster, "maker": maker, "path": path})
    for row in rows:
        row["size"] = os.stat(row["path"]).st_blocks * 512
        row["seconds"] = []
    for number in range(rounds):
        for row in rows:
            image_format = "raw" if row["mode"] == "raw" else "qcow2"
            row["seconds"].append(boot(row["path"], image_format, kernel, accel))
            what = " ".join(filter(None, (row["mode"], row["cluster"], row["maker"])))
            print(f"boot {what}: round {number + 1} of {rounds}: {row['seconds'][-1]:.1f} s",
                  flush=True)
    for row in rows:
        del row["path"]
    return rows
