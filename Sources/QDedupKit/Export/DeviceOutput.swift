internal import DiskIO
internal import DiskImage
internal import SystemPackage

/// A block device, which may hold anything: zeros are written too, or left to the device where it
/// zeroes a range by itself.
final class DeviceOutput: DiskOutput {
  let file: OwnedFile
  private let zeros: ZeroedBuffer

  /// Opens a device.
  ///
  /// - Throws: `IOError`; of reason `.resourceBusy` if the system uses the device.
  init(_ path: FilePath) throws(IOError) {
    file = try OwnedFile(writingDevice: path)
    zeros = try ZeroedBuffer(byteCount: Self.zeroBytes, purpose: "zeros to write")
  }

  private static let zeroBytes = 1 << 20

  /// No device has larger logical blocks, and page caches none that end elsewhere.
  private static let alignment: UInt64 = 4096

  var isSequential: Bool { false }

  /// Zeroing a range costs a request of its own, which waits for the device; fewer zeros go with the
  /// data beside them.
  var zeroRun: Int? { 64 << 10 }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: GuestOffset) throws(IOError) {
    try file.write(bytes, at: offset.bytes)
  }

  /// Leaves whole blocks to the device, and writes what is less than one at either end.
  func writeZeros(_ range: GuestRange) throws(IOError) {
    let mask = Self.alignment - 1
    let first = min(range.end.bytes, (range.start.bytes + mask) & ~mask)
    let last = max(first, range.end.bytes & ~mask)
    try fill(range.start.bytes, first)
    if first < last, try !file.makeZeros(at: first, byteCount: last - first) {
      try fill(first, last)
    }
    try fill(last, range.end.bytes)
  }

  private func fill(_ start: UInt64, _ end: UInt64) throws(IOError) {
    var place = start
    while place < end {
      let count = Int(min(end - place, UInt64(Self.zeroBytes)))
      try file.write(UnsafeRawBufferPointer(rebasing: zeros.bytes[..<count]), at: place)
      place += UInt64(count)
    }
  }
}
