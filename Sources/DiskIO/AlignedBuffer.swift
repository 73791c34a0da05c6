import Glibc
internal import SystemPackage

/// Page-aligned memory that has one owner and is not initialised.
public struct AlignedBuffer: ~Copyable, @unchecked Sendable {
  // Unchecked: the memory belongs to this value alone and is freed with it.

  /// The memory itself; valid as long as the buffer lives.
  public let bytes: UnsafeMutableRawBufferPointer

  /// Allocates `byteCount` bytes, aligned to 4096.
  ///
  /// - Parameters:
  ///   - byteCount: How much memory; 0 gives an empty buffer.
  ///   - purpose: What it is for, named in the error.
  /// - Throws: `IOError` of `.allocate` when there is not that much memory, instead of a trap.
  public init(byteCount: Int, purpose: String) throws(IOError) {
    var memory: UnsafeMutableRawPointer?
    let code = posix_memalign(&memory, 4096, max(byteCount, 1))
    guard code == 0, let memory else {
      throw IOError(.allocate, FilePath(purpose), reason: Errno(rawValue: code))
    }
    bytes = UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
  }

  deinit { free(bytes.baseAddress) }
}
