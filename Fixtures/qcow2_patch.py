"""Changes single fields of a qcow2 image: what no tool of QEMU's would write.

The places come from the public specification, docs/interop/qcow2.rst in QEMU's repository.
"""

import struct

# Where the header has its fields, and their format.
FIELDS = {
    "version": (4, ">I"),
    "backing_file_offset": (8, ">Q"),
    "backing_file_size": (16, ">I"),
    "cluster_bits": (20, ">I"),
    "size": (24, ">Q"),
    "crypt_method": (32, ">I"),
    "l1_size": (36, ">I"),
    "l1_table_offset": (40, ">Q"),
    "refcount_table_offset": (48, ">Q"),
    "refcount_table_clusters": (56, ">I"),
    "nb_snapshots": (60, ">I"),
    "snapshots_offset": (64, ">Q"),
    "incompatible_features": (72, ">Q"),
    "compatible_features": (80, ">Q"),
    "autoclear_features": (88, ">Q"),
    "refcount_order": (96, ">I"),
    "header_length": (100, ">I"),
    "compression_type": (104, ">B"),
}
FEATURE_NAMES = 0x6803F857


class Patch:
    """An image in memory, to be changed and written back when the `with` block ends."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        with open(self.path, "rb") as file:
            self.bytes = bytearray(file.read())
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            with open(self.path, "wb") as file:
                file.write(self.bytes)

    def __getitem__(self, field):
        offset, form = FIELDS[field]
        return struct.unpack_from(form, self.bytes, offset)[0]

    def __setitem__(self, field, value):
        offset, form = FIELDS[field]
        struct.pack_into(form, self.bytes, offset, value)

    def number(self, offset):
        return struct.unpack_from(">Q", self.bytes, offset)[0]

    def put(self, offset, value):
        struct.pack_into(">Q", self.bytes, offset, value)

    def l2_table(self, index=0):
        """Where the L2 table of an L1 entry is."""
        return self.number(self["l1_table_offset"] + 8 * index) & 0x00FFFFFFFFFFFE00

    def extensions(self):
        """The header extensions: type, data."""
        offset, found = self["header_length"], []
        while True:
            kind, length = struct.unpack_from(">II", self.bytes, offset)
            if kind == 0:
                return found
            found.append((kind, bytes(self.bytes[offset + 8 : offset + 8 + length])))
            offset += 8 + (length + 7) // 8 * 8

    def set_extensions(self, extensions):
        """Writes all header extensions again; the image must have no backing file."""
        assert self["backing_file_offset"] == 0
        encoded = b""
        for kind, data in extensions + [(0, b"")]:
            encoded += struct.pack(">II", kind, len(data)) + data + bytes(-len(data) % 8)
        start, end = self["header_length"], 1 << self["cluster_bits"]
        assert start + len(encoded) <= end
        self.bytes[start:end] = encoded + bytes(end - start - len(encoded))

    def add_extension(self, kind, data):
        self.set_extensions([(kind, data)] + self.extensions())

    def add_feature_name(self, kind, bit, name):
        """Adds an entry to the feature name table: kind 0 is incompatible."""
        entry = struct.pack(">BB46s", kind, bit, name.encode())
        table = dict(self.extensions()).get(FEATURE_NAMES, b"") + entry
        others = [each for each in self.extensions() if each[0] != FEATURE_NAMES]
        self.set_extensions([(FEATURE_NAMES, table)] + others)

    def snapshot_entries(self):
        """Where the entries of the snapshot table are: offset, length of the whole entry."""
        offset, found = self["snapshots_offset"], []
        for _ in range(self["nb_snapshots"]):
            identity, name = struct.unpack_from(">HH", self.bytes, offset + 12)
            extra = struct.unpack_from(">I", self.bytes, offset + 36)[0]
            length = 40 + extra + identity + name
            found.append((offset, length))
            offset += (length + 7) // 8 * 8
        return found

    def set_snapshot_dates(self):
        """Gives all snapshots the same date, so that every run makes the same bytes."""
        for offset, _ in self.snapshot_entries():
            struct.pack_into(">IIQ", self.bytes, offset + 16, 1_700_000_000, 0, 0)
