public import DiskIO

/// What can go wrong while a store works.
public enum StoreError: Error, Sendable {
  /// Reading or writing an incarnation failed.
  case io(IOError)
  /// The storage had no room for an incarnation.
  case allocation(byteCount: UInt64, cause: any Error & Sendable)
  /// There is not enough memory for a part of the store.
  case memory(byteCount: Int, purpose: String)
  /// The order is not one that a store may have.
  case invalidOrder(Int)
  /// The entry to be inserted has the physical sector 0, which marks an empty slot.
  case emptyEntry(StoreEntry)
  /// An entry was about to be frozen in a bucket that is neither of its two (S14).
  case misplacedEntry(StoreEntry, bucket: Int, order: Int)
}

extension StoreError: CustomStringConvertible {
  /// One line with the value, the allowed range and the place.
  public var description: String {
    switch self {
    case .io(let error):
      return error.description
    case .allocation(let byteCount, let cause):
      return "cannot allocate \(byteCount) bytes for an incarnation of the hash store: \(cause)"
    case .memory(let byteCount, let purpose):
      return "not enough memory for \(purpose): \(byteCount) bytes are needed"
    case .invalidOrder(let order):
      let valid = StoreGeometry.validOrders
      return
        "invalid hash store order \(order): must be \(valid.lowerBound) to \(valid.upperBound)"
    case .emptyEntry(let entry):
      return "invalid physical sector 0 for digest \(entry.digest): must be greater than 0"
    case .misplacedEntry(let entry, let bucket, let order):
      let mask: UInt64 = (1 << UInt64(order)) - 1
      return """
        the hash store is damaged: digest \(entry.digest) is in bucket \(bucket), \
        must be in \(entry.digest.high & mask) or \(entry.digest.low & mask)
        """
    }
  }
}

/// Why an incarnation of a saved store is skipped (S28).
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

  /// Where the incarnation begins.
  public let offset: StorageOffset
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
  public var description: String { "the incarnation at byte \(offset) is skipped: \(reason)" }
}

extension ZeroedBuffer {
  /// Memory for a part of the store; lack of it is a `StoreError` that says how much was needed.
  init(storeBytes byteCount: Int, purpose: String, besides otherBytes: Int = 0) throws(StoreError) {
    do {
      try self.init(byteCount: byteCount, purpose: purpose, besides: otherBytes)
    } catch {
      throw .memory(byteCount: byteCount, purpose: purpose)
    }
  }
}
