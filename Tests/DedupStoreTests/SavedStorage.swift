import DedupStore
import DiskIO
import Foundation
import Synchronization
import SystemPackage

/// The bytes of a saved store, for any number of threads. What is written later stays beside them.
final class SavedStorage: StoreStorage, Sendable {
  let bytes: [UInt8]
  private let failure: StorageOffset?
  private let gate: DispatchSemaphore?
  private let state: Mutex<State>

  private struct State {
    var trailerReads: [StorageOffset] = []
    var written: [UInt8]
  }

  /// - Parameters:
  ///   - bytes: What was saved.
  ///   - failure: Where reading fails.
  ///   - isGated: Whether trailers are read only as `letThrough` allows.
  init(_ bytes: [UInt8], failingAt failure: StorageOffset? = nil, isGated: Bool = false) {
    self.bytes = bytes
    self.failure = failure
    gate = isGated ? DispatchSemaphore(value: 0) : nil
    state = Mutex(State(written: bytes))
  }

  /// Where trailers were read, in this order.
  var trailerReads: [StorageOffset] { state.withLock { $0.trailerReads } }

  /// Lets so many trailers more be read.
  func letThrough(_ count: Int) {
    for _ in 0..<count { gate?.signal() }
  }

  func allocate(byteCount: UInt64) -> StorageOffset {
    state.withLock { state in
      defer { state.written += [UInt8](repeating: 0, count: Int(byteCount)) }
      return StorageOffset(UInt64(state.written.count))
    }
  }

  func read(into target: UnsafeMutableRawBufferPointer, at offset: StorageOffset) throws(IOError) {
    if target.count == IncarnationTrailer.byteCount {
      gate?.wait()
      state.withLock { $0.trailerReads.append(offset) }
    }
    if offset == failure { throw IOError(.read, "memory", at: offset.bytes, reason: .ioError) }
    let offset = Int(offset.bytes)
    let address = UInt(bitPattern: target.baseAddress!)
    let count = target.count
    state.withLock { state in
      UnsafeMutableRawBufferPointer(start: .init(bitPattern: address), count: count)
        .copyBytes(from: state.written[offset..<offset + count])
    }
  }

  func write(_ source: UnsafeRawBufferPointer, at offset: StorageOffset) throws(IOError) {
    let (offset, new) = (Int(offset.bytes), Array(source))
    state.withLock { $0.written.replaceSubrange(offset..<offset + new.count, with: new) }
  }
}
