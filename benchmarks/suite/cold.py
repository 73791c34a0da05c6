"""What a conversion costs on a disk: the input is not in memory, and the output is synced.

On tmpfs, where `run` measures otherwise, reading and writing cost next to nothing. Here each image
is read from a disk and written to it, in turn by
  qdedup    at its defaults, which sync the output
  qemu-img  with -W -m 16, and `sync` of the output
  cat       of the input, to nowhere: as long as reading takes, at the least
with all caches dropped before each. Dropping them all needs root; else those of the input are
dropped, which says less.
"""

import os
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


def commands(qdedup, image, output, size):
    """The programs to time, by name, in the order of a round."""
    peer = f"qemu-img convert -f raw -O qcow2 -o cluster_size={size} -W -m 16"
    return {
        "qdedup": [
            qdedup, "convert", "--cluster-size", str(size), "--report", "none", image, output],
        "qemu-img": ["sh", "-c", f'{peer} "$1" "$2" && sync "$2"', "sh", image, output],
        "cat": ["sh", "-c", 'cat "$1" >/dev/null', "sh", image],
    }


def measure(run, qdedup, images, names, output, rounds):
    """All rows of all rounds.

    `run` runs a command and raises if it fails; `names` are the images to measure."""
    rows = []
    for name in names:
        image = os.path.join(images, name + ".img")
        for cluster, size in CLUSTERS.items():
            seconds = {}
            for number in range(rounds):
                for program, command in commands(qdedup, image, output, size).items():
                    if os.path.exists(output):
                        os.remove(output)
                    drop_caches(image)
                    begin = time.perf_counter()
                    run(*command)
                    seconds.setdefault(program, []).append(
                        round(time.perf_counter() - begin, 6))
                times = ", ".join(f"{p} {s[-1]:.3f} s" for p, s in seconds.items())
                print(f"{name} cold {cluster}: round {number + 1} of {rounds}: {times}", flush=True)
            rows.append({"image": name, "mode": "plain", "cluster": cluster, "seconds": seconds})
    return rows
