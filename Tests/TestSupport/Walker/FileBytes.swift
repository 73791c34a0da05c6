internal import SystemPackage

/// The bytes of a file, read where they are asked for. Behind its end it has zeros.
final class FileBytes {
  private let file: FileDescriptor
  /// The length of the file.
  let count: UInt64

  init(_ path: FilePath) throws {
    file = try .open(path, .readOnly, options: .closeOnExec)
    count = UInt64(try file.seek(offset: 0, from: .end))
  }

  deinit { try? file.close() }

  /// Reads `length` bytes from `offset`.
  func read(_ length: Int, at offset: UInt64) throws -> [UInt8] {
    guard offset < count else { return [UInt8](repeating: 0, count: length) }
    return try [UInt8](unsafeUninitializedCapacity: length) { buffer, initialized in
      let bytes = UnsafeMutableRawBufferPointer(buffer)
      var done = 0
      while done < length {
        let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[done...])
        let read = try file.read(fromAbsoluteOffset: Int64(offset) + Int64(done), into: rest)
        if read == 0 { break }
        done += read
      }
      UnsafeMutableRawBufferPointer(rebasing: bytes[done...]).initializeMemory(
        as: UInt8.self, repeating: 0)
      initialized = length
    }
  }

  /// Reads a table of big-endian numbers of 8 bytes.
  func numbers(_ entries: Int, at offset: UInt64) throws -> [UInt64] {
    let bytes = try read(entries * 8, at: offset)
    return (0..<entries).map { bytes.number(8, at: $0 * 8) }
  }
}

extension [UInt8] {
  /// The big-endian number of `width` bytes at `offset`.
  func number(_ width: Int, at offset: Int) -> UInt64 {
    withUnsafeBytes { bytes in
      switch width {
      case 8: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      case 4:
        UInt64(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
      case 2:
        UInt64(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
      default: UInt64(bytes[offset])
      }
    }
  }
}
