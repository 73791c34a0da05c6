internal import DiskIO

/// The header of an image (qcow2 specification, "Header").
///
/// | bytes   | field                          | bytes   | field                            |
/// |---------|--------------------------------|---------|----------------------------------|
/// | 0–3     | magic `QFI` 0xFB               | 56–59   | refcount table's clusters        |
/// | 4–7     | version 2 or 3                 | 60–63   | number of snapshots              |
/// | 8–15    | backing file name's offset, 0  | 64–71   | snapshot table's host offset     |
/// | 16–19   | backing file name's length     | 72–79   | incompatible features (from 3 on)|
/// | 20–23   | cluster_bits                   | 80–87   | compatible features              |
/// | 24–31   | virtual size in bytes          | 88–95   | autoclear features               |
/// | 32–35   | encryption: 0 none             | 96–99   | refcount_order                   |
/// | 36–39   | number of L1 entries           | 100–103 | header length                    |
/// | 40–47   | L1 table's host offset         | 104     | compression type                 |
/// | 48–55   | refcount table's host offset   | 105–111 | 0                                |
package struct Header: Equatable, Sendable {
  /// The version of the format: 2 or 3.
  package var version: UInt32 = 3
  /// Where in the first cluster the backing file's name begins; 0 without one.
  package var backingNameOffset: UInt64 = 0
  /// The bytes of that name.
  package var backingNameLength: UInt32 = 0
  /// The binary logarithm of the cluster size.
  package var clusterBits: Int
  /// The size of the guest's disk in bytes.
  package var virtualSize: UInt64
  /// How clusters are encrypted: 0 not at all, 1 AES, 2 LUKS.
  package var encryption: UInt32 = 0
  /// The number of entries of the L1 table.
  package var l1EntryCount: UInt32
  /// Where the L1 table begins.
  package var l1Offset: HostOffset
  /// Where the refcount table begins.
  package var refcountTableOffset: HostOffset
  /// How many clusters the refcount table takes.
  package var refcountTableClusters: UInt32
  /// How many internal snapshots there are.
  package var snapshotCount: UInt32 = 0
  /// Where the snapshot table begins.
  package var snapshotsOffset = HostOffset(0)
  /// The features without which no program can read the image.
  package var incompatibleFeatures: UInt64 = 0
  /// The features that a program may ignore.
  package var compatibleFeatures: UInt64 = 0
  /// The features whose bits any program that writes clears unless it knows them.
  package var autoclearFeatures: UInt64 = 0
  /// The binary logarithm of the refcounts' width in bits: 4 in version 2.
  package var refcountOrder: UInt32
  /// Where the header ends and its extensions begin: 72 in version 2.
  package var length = Header.length
  /// How compressed clusters are compressed.
  package var compression: Compression.Method = .zlib

  /// The length of the headers that are written, without extensions, in bytes.
  package static let length = 112
  /// The first four bytes of every image.
  static let magic: UInt32 = 0x5146_49FB

  /// The bytes of a header of version 3 that is `Header.length` long, big-endian; header extensions
  /// follow them.
  package func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.length)
    bytes.append(bigEndian: Self.magic)
    bytes.append(bigEndian: 3 as UInt32)
    bytes.append(bigEndian: backingNameOffset)
    bytes.append(bigEndian: backingNameLength)
    bytes.append(bigEndian: UInt32(clusterBits))
    bytes.append(bigEndian: virtualSize)
    bytes.append(bigEndian: encryption)
    bytes.append(bigEndian: l1EntryCount)
    bytes.append(bigEndian: l1Offset.bytes)
    bytes.append(bigEndian: refcountTableOffset.bytes)
    bytes.append(bigEndian: refcountTableClusters)
    bytes.append(bigEndian: snapshotCount)
    bytes.append(bigEndian: snapshotsOffset.bytes)
    bytes.append(bigEndian: incompatibleFeatures)
    bytes.append(bigEndian: compatibleFeatures)
    bytes.append(bigEndian: autoclearFeatures)
    bytes.append(bigEndian: refcountOrder)
    bytes.append(bigEndian: UInt32(Self.length))
    bytes.append(compression.headerValue)
    bytes.pad(toMultipleOf: 8)
    return bytes
  }
}
