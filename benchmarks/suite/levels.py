"""What a level of deflate costs and brings, in clusters of 16 KiB.

Each image is converted in turn by
  qdedup    -c --compression-type zlib --cluster-size 16K, with a level or at the default
  qemu-img  -c -W -m 16 in clusters of 64 KiB, its default: it has one level
  floor     codec-floor.c beside this file: the library alone at that level, the data in memory
on tmpfs, without sync.
"""

import itertools
import os
import time

IMAGES = ["golden"]
CLUSTER = 16384
# What is asked for, and the level of the library that it is.
LEVELS = {"1": 1, "default": 2, "6": 6}


def commands(qdedup, floor, level, image, output, threads):
    """The programs to time, by name, in the order of a round."""
    options = [] if level == "default" else ["--compression-level", level]
    return {
        "qdedup": [
            qdedup, "convert", "-c", "--compression-type", "zlib", "--cluster-size", "16K",
            *options, "--no-sync", "--report", "none", image, output],
        "qemu-img": [
            "qemu-img", "convert", "-c", "-W", "-m", "16", "-f", "raw", "-O", "qcow2", image,
            output],
        "floor": [
            floor, image, output, "deflate", str(LEVELS[level]), str(CLUSTER), str(threads)],
    }


def once(run, program, command, output):
    """Runs a program: (its seconds, the bytes that it wrote). The floor tells both."""
    if os.path.exists(output):
        os.remove(output)
    begin = time.perf_counter()
    said = run(*command)
    seconds = time.perf_counter() - begin
    if program != "floor":
        return seconds, os.stat(output).st_blocks * 512
    figures = dict(line.split() for line in said.splitlines())
    return float(figures["compress"]), int(figures["bytes"])


def measure(run, qdedup, floor, images, names, output, rounds, threads):
    """All rows of all rounds, after a warm-up round that is not timed."""
    rows = []
    for name, level in itertools.product(names, LEVELS):
        row = {"image": name, "mode": "zlib", "cluster": "16K", "level": level}
        row.update(seconds={}, size={})
        image = os.path.join(images, name + ".img")
        programs = commands(qdedup, floor, level, image, output, threads)
        for number in range(rounds + 1):
            for program, command in programs.items():
                seconds, row["size"][program] = once(run, program, command, output)
                if number > 0:
                    row["seconds"].setdefault(program, []).append(round(seconds, 6))
            if number > 0:
                times = ", ".join(f"{p} {s[-1]:.3f} s" for p, s in row["seconds"].items())
                print(f"{name} level {level}: round {number} of {rounds}: {times}", flush=True)
        os.remove(output)
        rows.append(row)
    return rows
