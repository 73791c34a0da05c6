/// The fields of a qcow2 header of version 3, as they stand in the file.
///
/// Written from QEMU's `docs/interop/qcow2.rst` and on purpose without any code of the program.
public struct WalkedHeader: Sendable {
  /// 3.
  public let version: UInt64
  /// Where the name of a backing file is; 0 for none.
  public let backingNameOffset: UInt64
  /// The binary logarithm of the cluster size.
  public let clusterBits: UInt64
  /// The size of the disk that a guest sees, in bytes.
  public let virtualSize: UInt64
  /// 0 for no encryption.
  public let encryption: UInt64
  /// Entries of the L1 table.
  public let l1Entries: UInt64
  /// Where the L1 table begins.
  public let l1Offset: UInt64
  /// Where the refcount table begins.
  public let refcountTableOffset: UInt64
  /// Its length in clusters.
  public let refcountTableClusters: UInt64
  /// How many snapshots there are.
  public let snapshots: UInt64
  /// A reader must know all of these bits.
  public let incompatible: UInt64
  /// A reader may ignore these bits.
  public let compatible: UInt64
  /// A writer clears those of these bits that it does not know.
  public let autoclear: UInt64
  /// The binary logarithm of the width of a reference count.
  public let refcountOrder: UInt64
  /// The length of the header, without extensions.
  public let length: UInt64
  /// How clusters are compressed: 0 for deflate, 1 for Zstandard.
  public let compressionType: UInt64

  /// The size of a cluster in bytes.
  public var clusterSize: UInt64 { 1 << clusterBits }

  /// Whether autoclear bit 63, "the hash store is valid", is set.
  public var hashStoreIsValid: Bool { autoclear >> 63 == 1 }

  /// Reads the fields; `problems` gets what no header may say.
  init(_ bytes: [UInt8], problems: inout [String]) throws {
    guard bytes.number(4, at: 0) == 0x5146_49fb else {
      throw TestSupportError("no qcow2 image: it begins with \(bytes.prefix(4))")
    }
    version = bytes.number(4, at: 4)
    backingNameOffset = bytes.number(8, at: 8)
    clusterBits = bytes.number(4, at: 20)
    virtualSize = bytes.number(8, at: 24)
    encryption = bytes.number(4, at: 32)
    l1Entries = bytes.number(4, at: 36)
    l1Offset = bytes.number(8, at: 40)
    refcountTableOffset = bytes.number(8, at: 48)
    refcountTableClusters = bytes.number(4, at: 56)
    snapshots = bytes.number(4, at: 60)
    incompatible = bytes.number(8, at: 72)
    compatible = bytes.number(8, at: 80)
    autoclear = bytes.number(8, at: 88)
    refcountOrder = bytes.number(4, at: 96)
    length = bytes.number(4, at: 100)
    compressionType = length > 104 ? bytes.number(1, at: 104) : 0
    guard version == 3, (9...21).contains(clusterBits), refcountOrder <= 6 else {
      throw TestSupportError(
        "version \(version), cluster bits \(clusterBits), refcount order \(refcountOrder)")
    }
    if length < 104 || length % 8 != 0 || length > clusterSize {
      problems.append("header length \(length)")
    }
    if compressionType > 1 || (incompatible >> 3 & 1) != compressionType {
      problems.append("compression type \(compressionType), incompatible bits \(incompatible)")
    }
    if l1Offset % clusterSize != 0 || refcountTableOffset % clusterSize != 0 {
      problems.append("a table is not aligned: L1 \(l1Offset), refcounts \(refcountTableOffset)")
    }
  }
}
