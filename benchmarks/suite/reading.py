"""What images cost those who read them, and what an estimate costs.

Each image is converted by qdedup, in clusters of 4, 16 and 64 KiB, plain and compressed by zlib and
zstd, and by qemu-img in clusters of 64 KiB. Of each file it is timed, in turn,
  qemu      how long QEMU takes to read all of it: `qemu-img convert -n -W -m 16` to null-co
  random    how long QEMU takes to read 2,000 clusters of 4 KiB at random places of the data (qemu-io)
  export    `qdedup export`, and `qemu-img convert -O raw -W -m 16`, without sync; and, of zstd and
            of deflate up to 16 KiB, codec-floor.c beside this file: the library, and writing
and of each raw image
  estimate  `qdedup estimate`, and digest-floor.c, which reads and digests
"""

import json
import os
import random
import subprocess
import time

IMAGES = ["golden", "ab"]
CLUSTERS = {"4K": 4096, "16K": 16384, "64K": 65536}
MODES = {"plain": None, "zlib": "zlib", "zstd": "zstd"}
# What restores what, at the level that it was compressed at, where that is one of the library's.
CODECS = {
    ("zlib", "4K"): ("deflate", 6), ("zlib", "16K"): ("deflate", 2), ("zstd", "4K"): ("zstd", 3),
    ("zstd", "16K"): ("zstd", 3), ("zstd", "64K"): ("zstd", 3)}
RANDOM_READS = 2000


def data_places(image, count):
    """Offsets of so many clusters of 4 KiB that hold data, always the same ones for an image."""
    ranges, offset = [], 0
    with open(image, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        while offset < size:
            try:
                start = os.lseek(file.fileno(), offset, os.SEEK_DATA)
            except OSError:
                break
            offset = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            ranges.append((start // 4096, offset // 4096))
    chosen = random.Random(1)
    weights = [end - start for start, end in ranges]
    return [
        4096 * chosen.randrange(start, max(start + 1, end))
        for start, end in chosen.choices(ranges, weights, k=count)]


def make(run, qdedup, maker, image, output, mode, cluster):
    """Writes the file whose reading is timed."""
    size, method = CLUSTERS[cluster], MODES[mode]
    if maker == "qdedup":
        options = ["-c", "--compression-type", method] if method else []
        run(qdedup, "convert", *options, "--cluster-size", cluster, "--no-sync", "--force",
            "--report", "none", image, output)
    else:
        compression = f",compression_type={method}" if method else ""
        run("qemu-img", "convert", *(["-c"] if method else []), "-W", "-m", "16", "-f", "raw",
            "-O", "qcow2", "-o", f"cluster_size={size}{compression}", image, output)


def readers(qdedup, image, script, raw):
    """The commands that read a file, by name."""
    size = json.loads(subprocess.run(
        ["qemu-img", "info", "--output=json", image], check=True, capture_output=True).stdout)
    null = f"driver=null-co,size={size['virtual-size']}"
    return {
        "qemu": ["qemu-img", "convert", "-n", "-W", "-m", "16", "--target-image-opts", image, null],
        "random": ["sh", "-c", 'qemu-io -r -f qcow2 "$1" <"$2" >/dev/null', "sh", image, script],
        "export": [qdedup, "export", "--quiet", "--no-sync", "--force", image, raw],
        "qemu to raw": ["qemu-img", "convert", "-W", "-m", "16", "-O", "raw", image, raw],
    }


def restoring(floor, mode, cluster, image, raw, threads):
    """The command that restores the clusters of an image and does nothing else, if there is one."""
    if (mode, cluster) not in CODECS:
        return {}
    method, level = CODECS[mode, cluster]
    return {"floor": [floor, image, raw, method, str(level), str(CLUSTERS[cluster]), str(threads)]}


def seconds_of(run, command, raw):
    """How long a command takes, or says that its work took."""
    if os.path.exists(raw):
        os.remove(raw)
    begin = time.perf_counter()
    said = run(*command)
    seconds = time.perf_counter() - begin
    own = [line.split()[1] for line in said.splitlines() if line.startswith("restore ")]
    return round(float(own[0]) if own else seconds, 6)


def timed(run, commands, rounds, raw, what):
    """All rounds of some commands, which take turns after a warm-up that is not timed."""
    seconds = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            second = seconds_of(run, command, raw)
            if number > 0:
                seconds[name].append(second)
        if number > 0:
            times = ", ".join(f"{name} {s[-1]:.3f} s" for name, s in seconds.items())
            print(f"{what}: round {number} of {rounds}: {times}", flush=True)
    return seconds


def measure(run, qdedup, floors, images, names, work, rounds, threads):
    """All rows: (of reading, of estimates).

    `run` runs a command, returns what it prints and raises if it fails; `floors` are digest-floor
    and codec-floor."""
    rows, estimates, (digest_floor, codec_floor) = [], [], floors
    output, raw, script = (os.path.join(work, name) for name in ("read", "raw", "places"))
    for name in names:
        image = os.path.join(images, name + ".img")
        with open(script, "w", encoding="ascii") as file:
            for place in data_places(image, RANDOM_READS):
                file.write(f"read -q {place} 4096\n")
        makers = [("qdedup", cluster) for cluster in CLUSTERS] + [("qemu-img", "64K")]
        for mode in MODES:
            for maker, cluster in makers:
                make(run, qdedup, maker, image, output, mode, cluster)
                commands = readers(qdedup, output, script, raw)
                commands |= restoring(codec_floor, mode, cluster, image, raw, threads)
                seconds = timed(run, commands, rounds, raw, f"{name} {mode} {cluster} of {maker}")
                if os.path.exists(raw):
                    os.remove(raw)
                rows.append({
                    "image": name, "mode": mode, "cluster": cluster, "maker": maker,
                    "size": os.stat(output).st_size, "seconds": seconds})
                os.remove(output)
        commands = {
            "estimate": [qdedup, "estimate", "--json", "--progress", "never", image],
            "floor": [digest_floor, image, str(threads)],
        }
        seconds = timed(run, commands, rounds, raw, f"{name} estimate")
        report = json.loads(run(*commands["estimate"]))
        estimates.append({
            "image": name, "read": report["cost"]["read_bytes"],
            "compressed": report["cost"]["compressed_bytes"], "seconds": seconds})
    return rows, estimates
