"""The fixtures that must be refused: features that are not read, damage, malice."""

from readable import forget_format, standard_size, standard_writes

BIG = (1 << 32) - 1


def make(maker):
    features(maker)
    headers(maker)
    tables(maker)
    snapshots(maker)
    external(maker)


def plain(maker, name, content, options="", cluster=4096):
    maker.start(name, content)
    maker.create(standard_size(cluster), f"cluster_size={cluster}{options}")
    maker.standard(cluster)


def with_fields(maker, name, content, **fields):
    """A plain image with some fields of its header changed."""
    plain(maker, name, content)
    with maker.patch(", ".join(f"{key} = {value}" for key, value in fields.items())) as image:
        for key, value in fields.items():
            image[key] = value


def features(maker):
    with_fields(maker, "corrupt.qcow2", "marked as corrupt", incompatible_features=2)
    with_fields(maker, "encrypted-aes.qcow2", "marked as encrypted with AES", crypt_method=1)
    with_fields(maker, "encrypted-luks.qcow2", "marked as encrypted with LUKS", crypt_method=2)
    with_fields(maker, "encrypted-unknown.qcow2", "encrypted, nobody knows how", crypt_method=77)
    with_fields(maker, "unnamed-feature.qcow2", "unknown incompatible bit without a name",
                incompatible_features=1 << 18)

    plain(maker, "named-feature.qcow2", "unknown incompatible bit with a name")
    with maker.patch("incompatible bit 17 set, named 'fancy layout'") as image:
        image["incompatible_features"] |= 1 << 17
        image.add_feature_name(0, 17, "fancy layout")
        image.add_feature_name(1, 17, "a compatible one")

    maker.start("qcow1.qcow", "version 1")
    maker.run("qemu-img", "create", "-q", "-f", "qcow", "qcow1.qcow", "65536")
    maker.io("write -P 0x11 0 4096", name="qcow1.qcow", form="qcow")
    with_fields(maker, "version-0.qcow2", "version 0", version=0)
    with_fields(maker, "version-4.qcow2", "version 4", version=4)
    with_fields(maker, "version-huge.qcow2", "version 2^32 - 1", version=BIG)


def headers(maker):
    for bits in [0, 8, 22, 255]:
        with_fields(maker, f"cluster-bits-{bits}.qcow2", "no such cluster size", cluster_bits=bits)
    with_fields(maker, "l1-huge.qcow2", "an L1 table of 32 GiB", l1_size=BIG)
    with_fields(maker, "l1-short.qcow2", "an L1 table that does not cover the disk", size=1 << 40)
    with_fields(maker, "l1-unaligned.qcow2", "an L1 table beside a cluster", l1_table_offset=12289)
    with_fields(maker, "l1-outside.qcow2", "an L1 table after the end", l1_table_offset=1 << 40)
    with_fields(maker, "l1-overflow.qcow2", "an L1 table at the end of all numbers",
                l1_table_offset=(1 << 64) - 4096)
    with_fields(maker, "size-huge.qcow2", "a disk of 2^63 bytes", size=1 << 63)
    with_fields(maker, "size-all-ones.qcow2", "a disk of 2^64 - 1 bytes", size=(1 << 64) - 1)
    with_fields(maker, "refcount-order-7.qcow2", "refcounts of 128 bits", refcount_order=7)
    for length in [0, 64, 8192, BIG]:
        with_fields(maker, f"header-length-{length}.qcow2", "no such header", header_length=length)
    with_fields(maker, "compression-7.qcow2", "an unknown compression", compression_type=7,
                incompatible_features=8)
    with_fields(maker, "snapshots-many.qcow2", "2^32 - 1 snapshots", nb_snapshots=BIG,
                snapshots_offset=4096)
    with_fields(maker, "snapshots-outside.qcow2", "snapshots after the end", nb_snapshots=2,
                snapshots_offset=1 << 40)
    with_fields(maker, "backing-name-long.qcow2", "a backing file's name of 2000 bytes",
                backing_file_offset=600, backing_file_size=2000)
    with_fields(maker, "backing-name-outside.qcow2", "a backing file's name after the end",
                backing_file_offset=1 << 40, backing_file_size=10)

    plain(maker, "extension-huge.qcow2", "an extension of 2^32 - 1 bytes")
    with maker.patch("header extension 0x0badcafe, its length = 2^32 - 1") as image:
        image.bytes[112:120] = b"\x0b\xad\xca\xfe" + b"\xff" * 4
    plain(maker, "extension-twice.qcow2", "two extensions of one type")
    with maker.patch("header extension 0x0badcafe, twice") as image:
        image.add_extension(0x0BADCAFE, b"one")
        image.add_extension(0x0BADCAFE, b"two")
    for length in [4, 8, 60, 100]:
        plain(maker, f"cut-at-{length}.qcow2", f"only the first {length} bytes")
        with maker.patch(f"cut to {length} bytes") as image:
            image.bytes = image.bytes[:length]


def tables(maker):
    def patched(name, content, what, change, **options):
        plain(maker, name, content, **options)
        with maker.patch(what) as image:
            change(image)

    def entry(index, value):
        return lambda image: image.put(image.l2_table() + 8 * index, value)

    def l1(value):
        return lambda image: image.put(image["l1_table_offset"], value)

    def cut(image):
        image.bytes = image.bytes[: image.l2_table() + 2048]

    copied = 1 << 63
    def cut_data(image):
        image.bytes = image.bytes[:-1024]

    patched("data-cut.qcow2", "the file ends within a cluster of data", "1024 bytes cut off",
            cut_data, cluster=512)
    patched("l2-unaligned.qcow2", "an L2 table beside a cluster", "L1[0] = 0x4200",
            l1(copied | 0x4200))
    patched("l2-outside.qcow2", "an L2 table after the end", "L1[0] = 2^50", l1(copied | 1 << 50))
    patched("l2-cut.qcow2", "the file ends within an L2 table", "cut within the L2 table", cut)
    patched("data-unaligned.qcow2", "a cluster beside its place", "L2[2] = 0x5200",
            entry(2, copied | 0x5200))
    patched("data-outside.qcow2", "a cluster after the end", "L2[2] = 2^50",
            entry(2, copied | 1 << 50))
    patched("compressed-outside.qcow2", "compressed data after the end",
            "L2[2] = compressed, at 2^50", entry(2, 1 << 62 | 1 << 50))

    def both(image):
        image.put(image.l2_table() + 16 * 2 + 8, 1 << 32 | 1)

    patched("subcluster-both.qcow2", "a subcluster that is allocated and zero",
            "L2[2] bitmap = 0x100000001", both, options=",extended_l2=on", cluster=16384)

    for kind in ["zlib", "zstd"]:
        for name, content in [("damaged", "damaged compressed data"),
                              ("short", "compressed data of less than a cluster")]:
            maker.start(f"{kind}-{name}.qcow2", f"{kind}: {content}")
            if name == "damaged":
                maker.raw("disk.raw", standard_size(4096))
                maker.io(*standard_writes(4096), name="disk.raw", form="raw")
            else:
                maker.raw("disk.raw", 2048)
                maker.io("write -P 0x11 0 2048", name="disk.raw", form="raw")
            size = 4096 if name == "damaged" else 512
            maker.converted("disk.raw", f"cluster_size={size},compression_type={kind}")
            if name == "damaged":
                with maker.patch("the data of L2[2] = 0xff, 16 times") as image:
                    at = image.number(image.l2_table() + 16) & ((1 << 58) - 1)
                    image.bytes[at : at + 16] = b"\xff" * 16
            else:
                shorten(maker)


def shorten(maker):
    """Takes a descriptor of compressed 512-byte clusters into an image of 4096-byte clusters."""
    with open(maker.name, "rb") as file:
        small = file.read()
    table = int.from_bytes(small[40:48], "big")
    l2 = int.from_bytes(small[table : table + 8], "big") & ((1 << 56) - 512)
    at = int.from_bytes(small[l2 : l2 + 8], "big") & ((1 << 61) - 1)
    data = small[at : at + 512]
    kind = "zstd" if maker.name.startswith("zstd") else "zlib"
    maker.create(standard_size(4096), f"cluster_size=4096,compression_type={kind}")
    maker.standard(4096)
    with maker.patch("L2[1] = the compressed cluster of 512 bytes") as image:
        place = len(image.bytes) + -len(image.bytes) % 4096
        image.bytes = image.bytes.ljust(place, b"\0") + data
        image.put(image.l2_table() + 8, 1 << 62 | place)


def snapshots(maker):
    def patched(name, content, what, offset, value):
        """A snapshot table whose first entry has a value of 4 bytes changed."""
        plain(maker, name, content)
        maker.run("qemu-img", "snapshot", "-c", "one", name)
        with maker.patch("the snapshot's date: always the same") as image:
            image.set_snapshot_dates()
        with maker.patch(what) as image:
            place = image["snapshots_offset"] + offset
            image.bytes[place : place + 4] = value.to_bytes(4, "big")

    patched("snapshot-l1-huge.qcow2", "a snapshot with an L1 table of 32 GiB",
            "L1 entries of the snapshot = 2^32 - 1", 8, BIG)
    patched("snapshot-l1-outside.qcow2", "a snapshot with an L1 table after the end",
            "upper half of the offset of the snapshot's L1 table = 1", 0, 1)
    patched("snapshot-extra-huge.qcow2", "a snapshot with extra data of 2^32 - 1 bytes",
            "length of the snapshot's extra data = 2^32 - 1", 36, BIG)
    patched("snapshot-name-outside.qcow2", "a snapshot whose name reaches after the end",
            "lengths of the snapshot's id and name = 2^16 - 1", 12, BIG)
    patched("snapshot-size-huge.qcow2", "a snapshot of a disk of 2^63 bytes",
            "upper half of the snapshot's disk size = 2^31", 48, 1 << 31)


def external(maker):
    def overlay(name, backing, form, content):
        maker.start(name, content)
        maker.create(65536, "cluster_size=4096", others=("-u", "-b", backing, "-F", form))

    overlay("backing-passwd.qcow2", "/etc/passwd", "raw", "over a file of the host")
    overlay("backing-missing.qcow2", "nowhere.raw", "raw", "over a file that is not there")
    maker.start("backing-itself.qcow2", "over itself")
    maker.create(65536, "cluster_size=4096", name="other.qcow2",
                 others=("-u", "-b", "backing-itself.qcow2", "-F", "qcow2"))
    maker.run("mv", "other.qcow2", "backing-itself.qcow2")
    overlay("backing-loop.qcow2", "backing-loop-other.qcow2", "qcow2", "over one that is over it")
    maker.create(65536, "cluster_size=4096", name="backing-loop-other.qcow2",
                 others=("-u", "-b", "backing-loop.qcow2", "-F", "qcow2"))
    overlay("backing-json.qcow2", "json:{\"driver\":\"null-co\"}", "raw", "over a description")
    overlay("backing-network.qcow2", "nbd://localhost/disk", "raw", "over something in the network")
    overlay("backing-vmdk.qcow2", "nowhere.vmdk", "vmdk", "over an image of another format")

    maker.start("backing-unnamed-qcow2.qcow2", "over a qcow2 image, its format not given")
    maker.create(65536, "cluster_size=4096", name="backing-unnamed-qcow2-base.qcow2")
    maker.io("write -P 0xA1 0 64K", name="backing-unnamed-qcow2-base.qcow2")
    maker.create(None, "cluster_size=4096",
                 others=("-b", "backing-unnamed-qcow2-base.qcow2", "-F", "qcow2"))
    forget_format(maker)

    def data_file(name, content):
        maker.start(name, content)
        maker.create(16384, "cluster_size=4096,data_file=eleven-byte")
        maker.io("write -P 0x11 0 4096")
        maker.run("rm", "eleven-byte")

    data_file("data-passwd.qcow2", "its data in a file of the host")
    with maker.patch("name of the data file = /etc/passwd") as image:
        at = image.bytes.index(b"eleven-byte")
        image.bytes[at : at + 11] = b"/etc/passwd"
    data_file("data-missing.qcow2", "its data in a file that is not there")
    data_file("data-unnamed.qcow2", "its data in a file without a name")
    with maker.patch("type of the extension with the name of the data file = 0x0badcafe") as image:
        at = image.bytes.index(b"DATA")
        image.bytes[at : at + 4] = b"\x0b\xad\xca\xfe"
    maker.start("data-shifted.qcow2", "a cluster elsewhere in its data file than on the disk")
    maker.create(standard_size(4096), "cluster_size=4096,data_file=data-shifted.raw")
    maker.standard(4096)
    with maker.patch("L2[2] = 0x5000, which belongs to guest cluster 5") as image:
        image.put(image.l2_table() + 8 * 2, 1 << 63 | 0x5000)
    maker.start("data-itself.qcow2", "its data in itself")
    maker.create(16384, "cluster_size=4096,data_file=seventeen-bytes-f,data_file_raw=on")
    maker.run("rm", "seventeen-bytes-f")
    with maker.patch("name of the data file = data-itself.qcow2") as image:
        at = image.bytes.index(b"seventeen-bytes-f")
        image.bytes[at : at + 17] = b"data-itself.qcow2"
