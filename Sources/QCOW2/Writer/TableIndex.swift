internal import DiskIO
internal import Glibc

/// The L2 tables of a file with versions by their content, so that equal ones of several disks are
/// one.
///
/// A hash only says where to look; tables are compared byte by byte. The hash has a random key, so
/// no image can be made to have many tables with one hash; what is found does not depend on it: the
/// table that was added first. Memory: some 32 bytes a table. One thread uses it.
final class TableIndex {
  private let file: OpenFile
  /// The first table of each hash.
  private var places: [Int: HostOffset] = [:]
  /// Further tables of the same hash, by chance hardly ever one.
  private var others: [Int: [HostOffset]] = [:]
  private let other: AlignedBuffer

  /// An index without tables.
  ///
  /// - Parameters:
  ///   - file: The image that has the tables.
  ///   - tableBytes: The size of a table.
  /// - Throws: `IOError` if there is not enough memory.
  init(_ file: OpenFile, tableBytes: Int) throws(IOError) {
    self.file = file
    other = try AlignedBuffer(byteCount: tableBytes, purpose: "an L2 table to compare")
  }

  /// The table with this content; nil if there is none.
  ///
  /// - Throws: `IOError` if one with the same hash cannot be read.
  func find(_ content: UnsafeRawBufferPointer) throws(IOError) -> HostOffset? {
    let hash = Self.hash(content)
    guard let first = places[hash] else { return nil }
    for host in [first] + (others[hash] ?? []) {
      try file.file.readExactly(into: other.bytes, at: host.bytes)
      if memcmp(content.baseAddress!, other.bytes.baseAddress!, other.bytes.count) == 0 {
        return host
      }
    }
    return nil
  }

  /// Adds a table that is in the file.
  func add(_ content: UnsafeRawBufferPointer, at host: HostOffset) {
    let hash = Self.hash(content)
    if places[hash] == nil {
      places[hash] = host
    } else {
      others[hash, default: []].append(host)
    }
  }

  private static func hash(_ content: UnsafeRawBufferPointer) -> Int {
    var hasher = Hasher()
    hasher.combine(bytes: content)
    return hasher.finalize()
  }
}
