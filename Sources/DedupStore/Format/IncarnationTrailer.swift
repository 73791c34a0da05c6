internal import DiskIO

/// The seal of an incarnation: the last 64 bytes of its filter area, written after everything else.
///
/// ```
/// 0  magic "QDINCARN"     16 sequence u64       32 XXH3-64 of the tags    48 zero u64
/// 8  version u32 = 1      24 used entries u64   40 XXH3-64 of the table   56 XXH3-64 of bytes 0–55
/// 12 order u32
/// ```
/// All numbers are big-endian.
public struct IncarnationTrailer: Hashable, Sendable {
  /// The bytes of a trailer.
  public static let byteCount = 64
  /// "QDINCARN" as a big-endian number.
  private static let magic: UInt64 = 0x5144_494E_4341_524E
  private static let version: UInt32 = 1

  /// The numbers that a freeze may have: far more than any store needs, and one can be added to each
  /// without overflow.
  static let sequences: ClosedRange<UInt64> = 1...1 << 63

  /// The order of the incarnation.
  public let order: UInt32
  /// The number of the freeze that wrote it, in `sequences`; the first freeze of a store is 1.
  public let sequence: UInt64
  /// The number of slots that are used.
  public let usedEntries: UInt64
  /// XXH3-64 of the tags of all slots, without the rest of the filter area.
  public let filterChecksum: UInt64
  /// XXH3-64 of the whole table area, with the zeros at its end.
  public let tableChecksum: UInt64

  /// A trailer with these values.
  public init(
    order: UInt32, sequence: UInt64, usedEntries: UInt64, filterChecksum: UInt64,
    tableChecksum: UInt64
  ) {
    self.order = order
    self.sequence = sequence
    self.usedEntries = usedEntries
    self.filterChecksum = filterChecksum
    self.tableChecksum = tableChecksum
  }

  /// The 64 bytes.
  public var serialized: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.byteCount)
    bytes.append(bigEndian: Self.magic)
    bytes.append(bigEndian: Self.version)
    bytes.append(bigEndian: order)
    for value in [sequence, usedEntries, filterChecksum, tableChecksum, 0] {
      bytes.append(bigEndian: value)
    }
    bytes.append(bigEndian: bytes.withUnsafeBytes { XXH3Stream.hash($0) })
    return bytes
  }

  /// Decodes a trailer and checks all that can be checked without the areas that it seals.
  ///
  /// - Parameter bytes: At least 64 bytes; the rest is ignored.
  /// - Throws: `StoreFormatError` if they are too few, or not a trailer of this version.
  public init(parsing bytes: [UInt8]) throws(StoreFormatError) {
    guard bytes.count >= Self.byteCount else {
      throw .truncated("incarnation trailer", needed: 64, available: UInt64(bytes.count))
    }
    func number<Value: FixedWidthInteger>(at offset: Int) -> Value {
      bytes.withUnsafeBytes { $0.loadBigEndian(Value.self, at: offset) }
    }
    let found: UInt64 = number(at: 0)
    guard found == Self.magic else { throw .wrongMagic(found) }
    let version: UInt32 = number(at: 8)
    guard version == Self.version else {
      throw .unknownVersion("incarnation trailer", found: version)
    }
    let expected = bytes.withUnsafeBytes { XXH3Stream.hash(.init(rebasing: $0[..<56])) }
    guard number(at: 56) == expected else {
      throw .checksumMismatch("incarnation trailer", stored: number(at: 56), computed: expected)
    }
    let order: UInt32 = number(at: 12)
    guard StoreGeometry.validOrders.contains(Int(order)) else { throw .orderOutOfRange(order) }
    let sequence: UInt64 = number(at: 16)
    guard Self.sequences.contains(sequence) else { throw .sequenceOutOfRange(sequence) }
    self.init(
      order: order, sequence: sequence, usedEntries: number(at: 24),
      filterChecksum: number(at: 32), tableChecksum: number(at: 40))
  }

  /// Reads the trailer of a saved incarnation.
  ///
  /// - Parameters:
  ///   - offset: Where the incarnation begins.
  ///   - geometry: The sizes of its store.
  ///   - storage: What holds it.
  /// - Throws: `StoreProblem.Reason`: it cannot be read, is damaged, or is not of such a store.
  package init(
    ofIncarnationAt offset: StorageOffset, geometry: StoreGeometry, storage: any StoreStorage
  ) throws(StoreProblem.Reason) {
    let place = offset + geometry.trailerOffset
    let bytes: [UInt8]
    do throws(IOError) {
      let buffer = try AlignedBuffer(
        byteCount: Self.byteCount, purpose: "an incarnation's trailer")
      try storage.read(into: buffer.bytes, at: place)
      bytes = Array(buffer.bytes)
    } catch {
      throw .io(error)
    }
    do throws(StoreFormatError) { try self.init(parsing: bytes) } catch { throw .format(error) }
    guard order == UInt32(geometry.order), usedEntries <= UInt64(geometry.entryCount) else {
      throw .foreign(order: order, usedEntries: usedEntries)
    }
  }
}
