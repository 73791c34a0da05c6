public import DiskIO

/// What a file was when it was opened, to see at the end whether it has been changed.
public struct FileWatch: Sendable {
  private let first: FileState?

  /// Looks at a file for the first time.
  public init(_ file: borrowing OwnedFile) throws(IOError) {
    first = try file.state()
  }

  /// Whether the file can tell: a device cannot.
  public var tellsChanges: Bool { first != nil }

  /// Makes sure that the same file has its size and its time of change still.
  ///
  /// - Throws: `ImageError.changed`, which says what was changed.
  public func requireUnchanged(_ file: borrowing OwnedFile) throws(ImageError) {
    guard let first, let now = try ImageError.wrappingIO(try file.state()), now != first
    else { return }
    if now.size != first.size {
      throw .changed(file.path, change: "it had \(first.size) bytes and has \(now.size) now")
    }
    throw .changed(
      file.path,
      change: """
        it was written to (last at \(Self.text(now.modified)) seconds since 1970, \
        before that at \(Self.text(first.modified)))
        """)
  }

  private static func text(_ time: (seconds: Int, nanoseconds: Int)) -> String {
    let digits = String(time.nanoseconds)
    return "\(time.seconds).\(String(repeating: "0", count: max(0, 9 - digits.count)))\(digits)"
  }
}
