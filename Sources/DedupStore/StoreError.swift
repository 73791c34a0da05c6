public import DiskIO

/// What can go wrong while a store works.
public enum StoreError: Error, Sendable {
  /// Reading or writing an incarnation failed.
  case io(IOError)
  /// No room for an incarnation could be had from the storage.
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
        the hash store is damaged: digest \(entry.digest) stands in bucket \(bucket), \
        must be in \(entry.digest.high & mask) or \(entry.digest.low & mask)
        """
    }
  }
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
