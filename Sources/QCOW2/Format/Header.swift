internal import DiskIO

/// The header of a version 3 image (qcow2 specification, "Header").
///
/// | bytes   | field                          | bytes   | field                     |
/// |---------|--------------------------------|---------|---------------------------|
/// | 0–3     | magic `QFI` 0xFB               | 56–59   | refcount table's clusters |
/// | 4–7     | version 3                      | 60–71   | snapshots: none           |
/// | 8–19    | backing file: none             | 72–79   | incompatible features     |
/// | 20–23   | cluster_bits                   | 80–87   | compatible features       |
/// | 24–31   | virtual size in bytes          | 88–95   | autoclear features        |
/// | 32–35   | encryption: none               | 96–99   | refcount_order            |
/// | 36–39   | number of L1 entries           | 100–103 | header length 112         |
/// | 40–47   | L1 table's host offset         | 104     | compression type          |
/// | 48–55   | refcount table's host offset   | 105–111 | 0                         |
package struct Header {
  /// The binary logarithm of the cluster size.
  package var clusterBits: Int
  /// The size of the guest's disk in bytes.
  package var virtualSize: UInt64
  /// The number of entries of the L1 table.
  package var l1EntryCount: UInt32
  /// Where the L1 table begins.
  package var l1Offset: HostOffset
  /// Where the refcount table begins.
  package var refcountTableOffset: HostOffset
  /// How many clusters the refcount table takes.
  package var refcountTableClusters: UInt32
  /// The binary logarithm of the refcounts' width in bits.
  package var refcountOrder: UInt32
  /// The features without which no program can read the image.
  package var incompatibleFeatures: UInt64
  /// The features whose bits any program that writes clears unless it knows them.
  package var autoclearFeatures: UInt64
  /// How compressed clusters are compressed.
  package var compression: Compression.Method

  /// The length of the header without its extensions, in bytes.
  package static let length = 112

  /// The header's bytes, big-endian; header extensions follow them.
  package func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.length)
    bytes.append(bigEndian: 0x5146_49FB as UInt32)
    bytes.append(bigEndian: 3 as UInt32)
    bytes.append(bigEndian: 0 as UInt64)
    bytes.append(bigEndian: 0 as UInt32)
    bytes.append(bigEndian: UInt32(clusterBits))
    bytes.append(bigEndian: virtualSize)
    bytes.append(bigEndian: 0 as UInt32)
    bytes.append(bigEndian: l1EntryCount)
    bytes.append(bigEndian: l1Offset.bytes)
    bytes.append(bigEndian: refcountTableOffset.bytes)
    bytes.append(bigEndian: refcountTableClusters)
    bytes.append(bigEndian: 0 as UInt32)
    bytes.append(bigEndian: 0 as UInt64)
    bytes.append(bigEndian: incompatibleFeatures)
    bytes.append(bigEndian: 0 as UInt64)
    bytes.append(bigEndian: autoclearFeatures)
    bytes.append(bigEndian: refcountOrder)
    bytes.append(bigEndian: UInt32(Self.length))
    bytes.append(compression.headerValue)
    bytes.pad(toMultipleOf: 8)
    return bytes
  }
}
