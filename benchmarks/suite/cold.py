"""What conversion, export and estimate cost on a disk: no input in memory, the output synced.

On tmpfs, where `run` measures otherwise, reading and writing cost next to nothing. Here each image
is read from a disk and written to it, in turn by
  qdedup    at its defaults, which sync the output
  qemu-img  with -W -m 16, and `sync` of the output
  cat       of the input, to nowhere: as long as reading takes, at the least
  cp        of what qdedup writes, from memory, and `sync`: as long as writing takes, at the least
  both      cat and cp at the same time: the disk's work without any of the processor's
and then what qdedup has written is turned into a raw disk again, by export and by the same others;
with all caches dropped before each. An estimate of the image stands beside digest-floor.c, which
reads and digests. Dropping them all needs root; else those of the input are
dropped, which says less.
"""

import os
import tempfile
import time

IMAGES = ["golden", "ab"]
CLUSTERS = {"64K": 65536, "4K": 4096}


def disk_of(folder):
    """The disk that a folder is on, by its name and what the system says of it; None if on none."""
    device = os.stat(folder).st_dev
    place = os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    if not os.path.exists(place):
        return None
    name = os.path.basename(place)
    if os.path.exists(os.path.join(place, "partition")):
        place = os.path.dirname(place)
    facts = []
    for fact, unit in (("device/model", ""), ("queue/read_ahead_kb", " KiB read ahead")):
        try:
            with open(os.path.join(place, fact), encoding="ascii") as file:
                facts.append(file.read().strip() + unit)
        except OSError:
            pass
    return ", ".join([name, *facts])


def drop_caches(image):
    """Lets go of everything that memory keeps of files, or of the image alone without the right to."""
    os.sync()
    try:
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
            file.write("3")
    except PermissionError:
        with open(image, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def qemu_img(options, source, output):
    """The command of the peer, whose output is synced."""
    return [
        "sh", "-c", f'qemu-img convert {options} -W -m 16 "$1" "$2" && sync "$2"', "sh", source,
        output]


def commands(qdedup, mode, size, source, copy, output):
    """The programs to time, by name, in the order of a round; `copy` is what qdedup writes."""
    if mode == "export":
        own = [qdedup, "export", "--quiet", source, output]
        peer = qemu_img("-f qcow2 -O raw", source, output)
    else:
        own = [
            qdedup, "convert", "--cluster-size", str(size), "--report", "none", source, output]
        peer = qemu_img(f"-f raw -O qcow2 -o cluster_size={size}", source, output)
    read, write = 'cat "$1" >/dev/null', 'cp "$2" "$3" && sync "$3"'
    alone = {"cat": read, "cp": write, "both": f"{read} & {write} && wait $!"}
    shell = {name: ["sh", "-c", text, "sh", source, copy, output] for name, text in alone.items()}
    return {"qdedup": own, "qemu-img": peer, **shell}


def timed(run, programs, source, output, rounds, what):
    """The seconds of all rounds, by program."""
    seconds = {}
    for number in range(rounds):
        for program, command in programs.items():
            if os.path.exists(output):
                os.remove(output)
            drop_caches(source)
            begin = time.perf_counter()
            run(*command)
            seconds.setdefault(program, []).append(round(time.perf_counter() - begin, 6))
        times = ", ".join(f"{p} {s[-1]:.3f} s" for p, s in seconds.items())
        print(f"{what}: round {number + 1} of {rounds}: {times}", flush=True)
    return seconds


def measure(run, qdedup, digest_floor, images, names, output, rounds, threads):
    """All rows of all rounds: (of conversions and exports, of estimates).

    `run` runs a command and raises if it fails; `names` are the images to measure."""
    rows, estimates, converted = [], [], output + ".qcow2"
    for name in names:
        image = os.path.join(images, name + ".img")
        for cluster, size in CLUSTERS.items():
            run(*commands(qdedup, "plain", size, image, "", converted)["qdedup"])
            for mode, source, written in (
                    ("plain", image, converted), ("export", converted, image)):
                with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="qdedup-bench-") as memory:
                    copy = os.path.join(memory, "copy")
                    run("cp", "--sparse=always", written, copy)
                    seconds = timed(
                        run, commands(qdedup, mode, size, source, copy, output), source, output,
                        rounds, f"{name} cold {mode} {cluster}")
                rows.append({"image": name, "mode": mode, "cluster": cluster, "seconds": seconds})
            os.remove(converted)
        programs = {
            "qdedup": [qdedup, "estimate", "--json", "--progress", "never", image],
            "floor": [digest_floor, image, str(threads)],
        }
        seconds = timed(run, programs, image, output, rounds, f"{name} cold estimate")
        estimates.append({
            "image": name, "read": os.stat(image).st_blocks * 512, "seconds": seconds})
    return rows, estimates
