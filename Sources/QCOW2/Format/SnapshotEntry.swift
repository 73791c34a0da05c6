internal import DiskIO

/// An entry of the snapshot table, byte for byte (qcow2 specification, "Snapshots").
///
/// ```
///  0 L1 table's offset u64   14 name's length u16    32 machine state's size u32
///  8 L1 entries u32          16 seconds u32          36 extra data's length u32
/// 12 id's length u16         20 nanoseconds u32      40 extra data, id, name
///                            24 guest's time u64     padded to a multiple of 8
/// extra data: 0 machine state's size u64 · 8 virtual size u64 · 16 icount u64 · …
/// ```
///
/// All of it is kept, extra data that nobody knows too, so `encoded` gives back what was decoded.
package struct SnapshotEntry: Equatable, Sendable {
  /// Where the L1 table begins.
  package var l1Offset: HostOffset
  /// The number of entries of that table.
  package var l1EntryCount: UInt32
  /// When it was taken: seconds since 1970, and nanoseconds more.
  package var seconds: UInt32
  /// The nanoseconds of that time.
  package var nanoseconds: UInt32
  /// How long the guest had run, in nanoseconds.
  package var guestNanoseconds: UInt64
  /// The size of the machine's state if that fits 32 bits; extra data counts where it has one.
  package var shortMachineStateSize: UInt32
  /// The extra data.
  package var extraData: [UInt8]
  /// The id's bytes, at most 65,535.
  package var id: [UInt8]
  /// The name's bytes, at most 65,535.
  package var name: [UInt8]

  /// A snapshot of a disk alone, without the state of a machine.
  ///
  /// - Parameters:
  ///   - id: Its id, unique in the image.
  ///   - name: Its name, at most 65,535 bytes.
  ///   - seconds: When it was made, since 1970.
  ///   - disk: Its tables.
  package init(id: String, name: String, seconds: UInt32, disk: DiskTables) {
    l1Offset = disk.l1Offset
    l1EntryCount = disk.l1EntryCount
    self.seconds = seconds
    nanoseconds = 0
    guestNanoseconds = 0
    shortMachineStateSize = 0
    self.id = Array(id.utf8)
    self.name = Array(name.utf8)
    extraData = []
    extraData.append(bigEndian: 0 as UInt64)
    extraData.append(bigEndian: disk.virtualSize)
    // Instructions are not counted.
    extraData.append(bigEndian: UInt64.max)
  }

  /// An id for a snapshot that comes after others: one more than the highest, as QEMU chooses it.
  package static func nextID(after entries: [SnapshotEntry]) -> String {
    let numbers = entries.compactMap { UInt64(String(decoding: $0.id, as: UTF8.self)) }
    return String((numbers.max() ?? 0).addingReportingOverflow(1).partialValue)
  }

  /// The bytes of every entry before extra data, id and name.
  static let fixedBytes = 40

  /// What the fixed part says of the rest.
  struct Lengths {
    let extraData: Int
    let id: Int
    let name: Int

    var all: Int { extraData + id + name }

    /// Decodes the lengths in the fixed part of an entry.
    ///
    /// - Throws: `FormatError` if there is more extra data than QEMU takes.
    init(_ fixed: [UInt8]) throws(FormatError) {
      let extra = fixed.withUnsafeBytes { $0.loadBigEndian(UInt32.self, at: 36) }
      try FormatError.require(
        extra <= ImageLimits.snapshotExtraData,
        "has \(extra) bytes of extra data, must be at most \(ImageLimits.snapshotExtraData)")
      extraData = Int(extra)
      id = fixed.withUnsafeBytes { Int($0.loadBigEndian(UInt16.self, at: 12)) }
      name = fixed.withUnsafeBytes { Int($0.loadBigEndian(UInt16.self, at: 14)) }
    }
  }

  /// Decodes an entry.
  ///
  /// - Parameters:
  ///   - fixed: Its first `fixedBytes` bytes.
  ///   - lengths: The lengths in them.
  ///   - rest: As many bytes as they say.
  init(_ fixed: [UInt8], _ lengths: Lengths, _ rest: [UInt8]) {
    func field<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
      fixed.withUnsafeBytes { $0.loadBigEndian(type, at: offset) }
    }
    l1Offset = HostOffset(field(UInt64.self, at: 0))
    l1EntryCount = field(UInt32.self, at: 8)
    seconds = field(UInt32.self, at: 16)
    nanoseconds = field(UInt32.self, at: 20)
    guestNanoseconds = field(UInt64.self, at: 24)
    shortMachineStateSize = field(UInt32.self, at: 32)
    extraData = Array(rest[..<lengths.extraData])
    id = Array(rest[lengths.extraData..<lengths.extraData + lengths.id])
    name = Array(rest[(lengths.extraData + lengths.id)...])
  }

  /// The bytes of the entry, padding included. Id and name must have at most 65,535 bytes each,
  /// extra data at most 1,024.
  package func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(bigEndian: l1Offset.bytes)
    bytes.append(bigEndian: l1EntryCount)
    bytes.append(bigEndian: UInt16(id.count))
    bytes.append(bigEndian: UInt16(name.count))
    bytes.append(bigEndian: seconds)
    bytes.append(bigEndian: nanoseconds)
    bytes.append(bigEndian: guestNanoseconds)
    bytes.append(bigEndian: shortMachineStateSize)
    bytes.append(bigEndian: UInt32(extraData.count))
    bytes += extraData + id + name
    bytes.pad(toMultipleOf: 8)
    return bytes
  }

  /// The size of the machine's state in bytes; 0 for a disk alone.
  var machineStateSize: UInt64 { extra(at: 0) ?? UInt64(shortMachineStateSize) }

  /// The size of the disk in bytes; nil if the entry does not have it.
  var virtualSize: UInt64? { extra(at: 8) }

  private func extra(at offset: Int) -> UInt64? {
    guard offset + 8 <= extraData.count else { return nil }
    return extraData.withUnsafeBytes { $0.loadBigEndian(UInt64.self, at: offset) }
  }
}

/// The L1 table of one disk of an image, its own or a snapshot's: where it is, and how large the
/// disk is.
package struct DiskTables: Hashable, Sendable {
  /// Where the L1 table begins.
  package let l1Offset: HostOffset
  /// The number of its entries.
  package let l1EntryCount: UInt32
  /// The size of the disk in bytes.
  package let virtualSize: UInt64

  /// A disk with these tables.
  package init(l1Offset: HostOffset, l1EntryCount: UInt32, virtualSize: UInt64) {
    self.l1Offset = l1Offset
    self.l1EntryCount = l1EntryCount
    self.virtualSize = virtualSize
  }
}
