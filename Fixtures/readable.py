"""The fixtures that must be read right. What each holds is in the tests (Fixture+….swift)."""


def standard_size(cluster):
    """The disk of the standard content: seven clusters and a sector."""
    return 7 * cluster + 512


def standard_writes(cluster):
    return [
        f"write -P 0x11 0 {cluster}",
        f"write -P 0x22 {2 * cluster} {2 * cluster}",
        f"write -P 0x33 {5 * cluster + cluster // 4} {cluster // 2}",
        f"write -P 0x44 {7 * cluster} 512",
    ]


def make(maker):
    layouts(maker)
    compressed(maker)
    zeros_and_subclusters(maker)
    headers(maker)
    snapshots(maker)
    chains(maker)
    data_files(maker)


def standard(maker, name, cluster, content, options=None):
    maker.start(name, f"standard content, {content}")
    extra = f",{options}" if options else ""
    maker.create(standard_size(cluster), f"cluster_size={cluster}{extra}")
    maker.standard(cluster)


def layouts(maker):
    for name, cluster in [("512", 512), ("4k", 4096), ("64k", 65536), ("2m", 2 << 20)]:
        standard(maker, f"v3-{name}.qcow2", cluster, f"{name} clusters")
    for name, cluster in [("512", 512), ("64k", 65536)]:
        standard(maker, f"v2-{name}.qcow2", cluster, f"version 2, {name} clusters", "compat=0.10")
    for bits in [1, 2, 4, 8, 32, 64]:
        standard(maker, f"refcount-{bits}.qcow2", 4096, f"refcounts of {bits} bits",
                 f"refcount_bits={bits}")
    for mode in ["metadata", "falloc", "full"]:
        standard(maker, f"preallocated-{mode}.qcow2", 4096, "all clusters allocated beforehand",
                 f"preallocation={mode}")

    maker.start("empty.qcow2", "1 MiB of nothing")
    maker.create(1 << 20, "cluster_size=4096")
    maker.start("size-zero.qcow2", "a disk of no bytes")
    maker.create(0, "cluster_size=4096")

    standard(maker, "resized.qcow2", 4096, "made larger, then cut to 3 clusters and a half")
    maker.run("qemu-img", "resize", "-q", "resized.qcow2", "1M")
    maker.io("write -P 0x55 900K 64K")
    maker.run("qemu-img", "resize", "-q", "--shrink", "resized.qcow2", "14336")

    standard(maker, "dirty.qcow2", 4096, "refcounts not up to date (dirty bit)",
             "lazy_refcounts=on")
    maker.io("write -P 0x55 4096 4096", "abort", exits=-6)

    standard(maker, "shared-l2.qcow2", 512, "but a second L1 entry leads to the same L2 table")
    with maker.patch("size = 64 KiB, L1 entry 1 = L1 entry 0") as image:
        image["size"] = 2 * 64 * 512
        image["l1_size"] = 2
        image.put(image["l1_table_offset"] + 8, image.number(image["l1_table_offset"]))


def compressed(maker):
    def from_standard(name, cluster, content, options):
        maker.start(name, f"standard content, {content}")
        maker.raw("disk.raw", standard_size(cluster))
        maker.standard(cluster, name="disk.raw", form="raw")
        maker.converted("disk.raw", f"cluster_size={cluster},{options}")

    from_standard("zlib-512.qcow2", 512, "zlib, 512 clusters", "compression_type=zlib")
    from_standard("zlib-v2.qcow2", 65536, "zlib, version 2", "compat=0.10")
    for kind in ["zlib", "zstd"]:
        for name, cluster in [("64k", 65536), ("2m", 2 << 20)]:
            from_standard(f"{kind}-{name}.qcow2", cluster, f"{kind}, {name} clusters",
                          f"compression_type={kind}")

    # Each cluster: noise, then zeros; so data is packed across the ends of host clusters.
    for kind in ["zlib", "zstd"]:
        maker.start(f"{kind}-packed.qcow2", f"{kind} data across host clusters and cut at its end")
        with open("disk.raw", "wb") as file:
            for index in range(6):
                file.write(maker.noise(2600, index) + bytes(4096 - 2600))
        maker.note("disk.raw: 6 clusters of 4096: 2600 bytes noise(seed 0…5), then zeros")
        maker.converted("disk.raw", f"cluster_size=4096,compression_type={kind}")
        with maker.patch("zeros at the end of the file removed") as image:
            image.bytes = image.bytes.rstrip(b"\0")

    maker.start("zlib-rewritten.qcow2", "zlib, some clusters written again, uncompressed")
    maker.raw("disk.raw", standard_size(4096))
    maker.standard(4096, name="disk.raw", form="raw")
    maker.converted("disk.raw", "cluster_size=4096")
    maker.io("write -P 0x55 1024 1024", "write -z 8192 4096", "write -c -P 0x66 4096 4096")


def zeros_and_subclusters(maker):
    def base(name):
        maker.raw(name, 1 << 17)
        maker.io("write -P 0xAA 0 128K", name=name, form="raw")

    def zero(name, content, options, others=()):
        maker.start(name, content)
        if others:
            base(others[1])
        maker.create(1 << 17, f"cluster_size=4096{options}", others=others)
        maker.io("write -P 0x55 0 32K", "write -z 4096 4096", "write -z -u 12288 8192",
                 "write -z 40960 4096", "discard 28672 4096")

    zero("zeros.qcow2", "zero clusters: preallocated, plain, never written; discarded ones", "")
    zero("zeros-v2.qcow2", "the same writes in version 2", ",compat=0.10")
    zero("zeros-backing.qcow2", "the same writes over a backing file of 0xAA", "",
         ("-b", "zeros-backing.raw", "-F", "raw"))

    def subclusters(name, cluster, content, others=()):
        maker.start(name, content)
        if others:
            base(others[1])
        maker.create(1 << 17, f"extended_l2=on,cluster_size={cluster}", others=others)
        piece = cluster // 32
        maker.io(
            f"write -P 0x11 {piece} {piece}", f"write -P 0x22 {3 * piece} {4 * piece}",
            f"write -z {5 * piece} {piece}", f"write -z {10 * piece} {2 * piece}",
            f"write -P 0x33 {31 * piece} {2 * piece}", f"write -z {cluster + 8 * piece} {piece}",
            f"write -z {2 * cluster} {cluster}", f"write -P 0x44 {3 * cluster} {cluster // 4}")

    subclusters("subclusters-16k.qcow2", 16384, "extended L2: subclusters of 512")
    subclusters("subclusters-32k.qcow2", 32768, "extended L2: subclusters of 1024")
    subclusters("subclusters-backing.qcow2", 16384, "extended L2 over a backing file of 0xAA",
                ("-b", "subclusters-backing.raw", "-F", "raw"))
    maker.start("subclusters-zlib.qcow2", "standard content, extended L2 and zlib")
    maker.raw("disk.raw", standard_size(16384))
    maker.standard(16384, name="disk.raw", form="raw")
    maker.converted("disk.raw", "extended_l2=on,cluster_size=16384")


def headers(maker):
    standard(maker, "bitmap.qcow2", 4096, "a dirty bitmap")
    maker.run("qemu-img", "bitmap", "--add", "-g", "4096", "bitmap.qcow2", "changes")
    maker.io("write -P 0x11 0 4096")

    standard(maker, "unknown-extension.qcow2", 4096, "an unknown header extension")
    with maker.patch("header extension 0x0badcafe of 13 bytes added") as image:
        image.add_extension(0x0BADCAFE, b"nobody's data")

    standard(maker, "unknown-features.qcow2", 4096, "unknown compatible and autoclear bits")
    with maker.patch("compatible_features |= 1 << 40, autoclear_features |= 1 << 50") as image:
        image["compatible_features"] |= 1 << 40
        image["autoclear_features"] |= 1 << 50

    standard(maker, "header-104.qcow2", 4096, "a header of 104 bytes, as before QEMU 5.1")
    with maker.patch("header_length = 104, no extensions") as image:
        image["header_length"] = 104

    standard(maker, "header-long.qcow2", 4096, "a header of 136 bytes")
    with maker.patch("header_length = 136, 24 bytes of 0xee before the extensions") as image:
        extensions = image.extensions()
        image.bytes[112:136] = b"\xee" * 24
        image["header_length"] = 136
        image.set_extensions(extensions)


def snapshots(maker):
    maker.start("snapshots.qcow2",
                "snapshots 1 first, 2 second (larger), 3 named 1; then a smaller disk")
    maker.create(16384, "cluster_size=4096")
    maker.io("write -P 0x11 0 8192")
    maker.run("qemu-img", "snapshot", "-c", "first", "snapshots.qcow2")
    maker.run("qemu-img", "resize", "-q", "snapshots.qcow2", "40K")
    maker.io("write -P 0x22 4096 8192", "write -P 0x23 32768 4096")
    maker.run("qemu-img", "snapshot", "-c", "second", "snapshots.qcow2")
    maker.io("write -z 0 4096", "write -P 0x33 8192 512")
    maker.run("qemu-img", "snapshot", "-c", "1", "snapshots.qcow2")
    maker.run("qemu-img", "resize", "-q", "--shrink", "snapshots.qcow2", "12K")
    maker.io("write -P 0x44 4096 4096")
    with maker.patch("dates of the snapshots: always the same") as image:
        image.set_snapshot_dates()

    maker.start("snapshot-v2.qcow2", "version 2, a snapshot without extra data")
    maker.create(16384, "compat=0.10,cluster_size=4096")
    maker.io("write -P 0x11 0 8192")
    maker.run("qemu-img", "snapshot", "-c", "old", "snapshot-v2.qcow2")
    maker.io("write -P 0x22 0 4096")
    with maker.patch("the snapshot's extra data removed, its date always the same") as image:
        image.set_snapshot_dates()
        (offset, length), = image.snapshot_entries()
        entry = image.bytes[offset : offset + length]
        extra = int.from_bytes(entry[36:40], "big")
        bare = entry[:36] + bytes(4) + entry[40 + extra :]
        image.bytes[offset : offset + length] = bare + bytes(extra)


def chains(maker):
    def overlay(name, size, backing, form):
        maker.create(size, "cluster_size=4096", name=name, others=("-b", backing, "-F", form))

    maker.start("backing-raw.qcow2", "over a raw file")
    maker.raw("backing-raw.raw", 32768)
    maker.io("write -P 0xA1 0 20K", name="backing-raw.raw", form="raw")
    overlay(None, None, "backing-raw.raw", "raw")
    maker.io("write -P 0x11 6144 1024", "write -z 12288 4096")

    maker.start("backing-guessed.qcow2", "over a raw file, no format of the backing file given")
    maker.raw("backing-guessed.raw", 32768)
    maker.io("write -P 0xA1 0 20K", name="backing-guessed.raw", form="raw")
    overlay(None, None, "backing-guessed.raw", "raw")
    maker.io("write -P 0x11 6144 1024")
    forget_format(maker)

    maker.start("backing-shorter.qcow2", "64 KiB over a qcow2 image of 10 KiB")
    maker.create(10240, "cluster_size=65536", name="backing-shorter-base.qcow2")
    maker.io("write -P 0xA1 0 10K", name="backing-shorter-base.qcow2")
    overlay(None, 65536, "backing-shorter-base.qcow2", "qcow2")
    maker.io("write -P 0x11 40960 4096", "write -P 0x12 11K 512")

    maker.start("backing-longer.qcow2", "16 KiB and a half over a qcow2 image of 64 KiB")
    maker.create(65536, "cluster_size=512", name="backing-longer-base.qcow2")
    maker.io("write -P 0xA1 8192 56K", name="backing-longer-base.qcow2")
    overlay(None, 16896, "backing-longer-base.qcow2", "qcow2")
    maker.io("write -P 0x11 0 512")

    maker.start("chain.qcow2", "three levels: raw, compressed qcow2, qcow2")
    maker.raw("chain-base.raw", 49152)
    maker.io("write -P 0xA1 0 48K", name="chain-base.raw", form="raw")
    overlay("chain-middle.qcow2", 57344, "chain-base.raw", "raw")
    maker.io("write -c -P 0xB1 8192 4096", "write -z 16384 4096", "write -P 0xB2 49152 8192",
             name="chain-middle.qcow2")
    overlay(None, 65536, "chain-middle.qcow2", "qcow2")
    maker.io("write -P 0x11 0 1024", "write -P 0x12 10K 512", "write -P 0x13 17K 512",
             "write -P 0x14 56K 512")


def forget_format(maker):
    with maker.patch("type of the extension with the backing file's format = 0x0badcafe") as image:
        at = image.bytes.index(b"\xe2\x79\x2a\xca")
        image.bytes[at : at + 4] = b"\x0b\xad\xca\xfe"


def data_files(maker):
    for name, options in [("data-file", ""), ("data-file-raw", ",data_file_raw=on")]:
        maker.start(f"{name}.qcow2", f"standard content in an external data file{options}")
        maker.create(standard_size(4096), f"cluster_size=4096,data_file={name}.raw{options}")
        maker.standard(4096)
