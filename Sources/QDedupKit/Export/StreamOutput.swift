internal import DiskIO
internal import DiskImage

/// A pipe, or whatever standard output is: every byte of the disk, in order.
final class StreamOutput: DiskOutput {
  private let stream: OutputStream
  private let zeros: ZeroedBuffer

  init(_ stream: OutputStream) throws(IOError) {
    self.stream = stream
    zeros = try ZeroedBuffer(byteCount: Self.zeroBytes, purpose: "zeros to write")
  }

  private static let zeroBytes = 1 << 20

  var isSequential: Bool { true }
  var zeroRun: Int? { nil }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: GuestOffset) throws(IOError) {
    try stream.write(bytes)
  }

  func writeZeros(_ range: GuestRange) throws(IOError) {
    var rest = range.byteCount
    while rest > 0 {
      let count = Int(min(rest, UInt64(Self.zeroBytes)))
      try stream.write(UnsafeRawBufferPointer(rebasing: zeros.bytes[..<count]))
      rest -= UInt64(count)
    }
  }
}
