public import DiskIO

/// Why an incarnation of a saved store is passed over (S28).
public struct StoreProblem: Error, Sendable {
  /// What is wrong.
  public enum Reason: Error, Sendable {
    /// It cannot be read.
    case io(IOError)
    /// Its trailer or its filter is damaged.
    case format(StoreFormatError)
    /// It is an incarnation, but not one of this store.
    case foreign(order: UInt32, usedEntries: UInt64)
  }

  /// Where the incarnation begins, in bytes.
  public let offset: UInt64
  /// What is wrong.
  public let reason: Reason
}

extension StoreProblem.Reason: CustomStringConvertible {
  /// The reason as a part of a line.
  public var description: String {
    switch self {
    case .io(let error): error.description
    case .format(let error): error.description
    case .foreign(let order, let entries):
      "it is of order \(order) with \(entries) entries, not one of this store"
    }
  }
}

extension StoreProblem: CustomStringConvertible {
  /// One line with the place and the reason.
  public var description: String { "the incarnation at byte \(offset) is passed over: \(reason)" }
}
