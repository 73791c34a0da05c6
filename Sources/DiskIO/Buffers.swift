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
      throw IOError(allocating: purpose, reason: Errno(rawValue: code))
    }
    bytes = UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
  }

  deinit { free(bytes.baseAddress) }
}

/// Page-aligned memory that has one owner, reads as zeros, and takes room only where it was touched.
///
/// It is meant for tables that are read at random places: from 2 MiB on it asks the system for huge
/// pages, because with small ones nearly every such read would also miss the address cache.
public struct ZeroedBuffer: ~Copyable, @unchecked Sendable {
  // Unchecked: the memory belongs to this value alone and is given back with it.

  /// The memory itself; valid as long as the buffer lives.
  public let bytes: UnsafeMutableRawBufferPointer
  private let mapping: UnsafeMutableRawBufferPointer

  private static let hugePageBytes = 2 << 20

  /// Maps `byteCount` zero bytes.
  ///
  /// The corresponding C function is `mmap`. More than the machine's whole memory is refused at
  /// once, because a system that promises freely would end the process at a later touch instead.
  ///
  /// - Parameters:
  ///   - byteCount: How much memory, more than 0.
  ///   - purpose: What it is for, named in the error.
  ///   - otherBytes: What the same purpose takes already, so that both are held against the
  ///     machine's memory together.
  /// - Throws: `IOError` of `.allocate` when there is not that much memory, instead of a trap.
  public init(byteCount: Int, purpose: String, besides otherBytes: Int = 0) throws(IOError) {
    guard byteCount > 0, byteCount <= Self.physicalByteCount - otherBytes else {
      throw IOError(allocating: purpose)
    }
    let slack = byteCount >= Self.hugePageBytes ? Self.hugePageBytes : 0
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    guard let memory = mmap(nil, byteCount + slack, PROT_READ | PROT_WRITE, flags, -1, 0),
      memory != MAP_FAILED
    else {
      throw IOError(allocating: purpose, reason: .current)
    }
    mapping = UnsafeMutableRawBufferPointer(start: memory, count: byteCount + slack)
    let start = slack == 0 ? memory : memory.alignedUp(toMultipleOf: Self.hugePageBytes)
    bytes = UnsafeMutableRawBufferPointer(start: start, count: byteCount)
    // Only advice: without huge pages the memory is slower, but the same.
    if slack != 0 { madvise(start, byteCount, MADV_HUGEPAGE) }
  }

  /// Gives back the memory of the first `byteCount` bytes, in whole pages; they read as zeros then.
  ///
  /// The corresponding C function is `madvise`.
  public func discard(upTo byteCount: Int) {
    let pageBytes = sysconf(Int32(_SC_PAGESIZE))
    madvise(bytes.baseAddress, byteCount / pageBytes * pageBytes, MADV_DONTNEED)
  }

  deinit { munmap(mapping.baseAddress, mapping.count) }

  /// The machine's memory in bytes, or no bound when the system does not tell.
  private static var physicalByteCount: Int {
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    let pageBytes = sysconf(Int32(_SC_PAGESIZE))
    return pages > 0 && pageBytes > 0 ? pages * pageBytes : Int.max
  }
}
