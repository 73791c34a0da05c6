internal import DiskIO
internal import DiskImage

/// A new sparse file. It has the disk's size from the beginning, so that what is never written reads
/// as zeros and takes no room.
struct FileOutput: DiskOutput {
  let file: AtomicFile

  /// Takes an empty file and gives it the disk's size.
  init(_ file: AtomicFile, virtualSize: UInt64) throws(IOError) {
    self.file = file
    try file.file.truncate(to: virtualSize)
  }

  var isSequential: Bool { false }

  /// The blocks of most file systems: smaller holes take room all the same.
  var zeroRun: Int? { 4096 }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: GuestOffset) throws(IOError) {
    try file.file.write(bytes, at: offset.bytes)
  }

  func writeZeros(_ range: GuestRange) {}
}
