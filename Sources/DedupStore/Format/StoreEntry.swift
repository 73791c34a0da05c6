internal import DiskIO

/// One entry of the store: the digest of a cluster, where its data is, and where it was first.
///
/// 32 bytes without padding in memory, and 32 bytes on disk: digest[16], physical sector u64, first
/// logical sector u64, all big-endian.
///
/// Both sectors are plain numbers, not places of a type of their own, because to the store they are
/// opaque: it compares them and keeps them, but never reads at them. The physical sector may not even
/// be a place, but the descriptor of a compressed cluster. The program that uses the store turns them
/// into host and guest offsets.
public struct StoreEntry: Hashable, Sendable {
  /// The digest of the cluster's content.
  public let digest: Digest
  /// The host offset / 512 of the data; with bit 63 set, the low 62 bits are the qcow2 descriptor
  /// of a compressed cluster. 0 marks a free slot.
  public let physicalSector: UInt64
  /// The guest offset / 512 of the first cluster that had this digest.
  public let firstLogicalSector: UInt64

  /// The entry with these fields.
  @inlinable
  public init(digest: Digest, physicalSector: UInt64, firstLogicalSector: UInt64) {
    self.digest = digest
    self.physicalSector = physicalSector
    self.firstLogicalSector = firstLogicalSector
  }

  /// Whether a slot with this content is free.
  @inline(__always)
  package var isEmpty: Bool { physicalSector == 0 }
}

extension StoreEntry {
  /// Decodes the 32 bytes at `offset` of `bytes`, which must hold them.
  package init(decoding bytes: UnsafeRawBufferPointer, at offset: Int) {
    self.init(
      digest: Digest(
        high: bytes.loadBigEndian(UInt64.self, at: offset),
        low: bytes.loadBigEndian(UInt64.self, at: offset + 8)),
      physicalSector: bytes.loadBigEndian(UInt64.self, at: offset + 16),
      firstLogicalSector: bytes.loadBigEndian(UInt64.self, at: offset + 24))
  }

  /// Stores the entry in the 32 bytes at `offset` of `bytes`, which must have them.
  func encode(to bytes: UnsafeMutableRawBufferPointer, at offset: Int) {
    bytes.storeBigEndian(digest.high, at: offset)
    bytes.storeBigEndian(digest.low, at: offset + 8)
    bytes.storeBigEndian(physicalSector, at: offset + 16)
    bytes.storeBigEndian(firstLogicalSector, at: offset + 24)
  }
}
