import DedupStore
import DiskIO
import Foundation
import Synchronization
import SystemPackage

/// The bytes of a saved store, for any number of threads. What is written later stays beside them.
final class SavedStorage: StoreStorage, Sendable {
  let bytes: [UInt8]
  private let failure: UInt64?
  private let gate: DispatchSemaphore?
  private let state: Mutex<State>

  private struct State {
    var trailerReads: [UInt64] = []
    var written: [UInt8]
  }

  /// - Parameters:
  ///   - bytes: What was saved.
  ///   - failure: Where reading fails.
  ///   - isGated: Whether trailers are read only as `letThrough` allows.
  init(_ bytes: [UInt8], failingAt failure: UInt64? = nil, isGated: Bool = false) {
    self.bytes = bytes
    self.failure = failure
    gate = isGated ? DispatchSemaphore(value: 0) : nil
    state = Mutex(State(written: bytes))
  }

  /// Where trailers were read, in this order.
  var trailerReads: [UInt64] { state.withLock { $0.trailerReads } }

  /// Lets so many trailers more be read.
  func letThrough(_ count: Int) {
    for _ in 0..<count { gate?.signal() }
  }

  func allocate(byteCount: UInt64) -> UInt64 {
    state.withLock { state in
      defer { state.written += [UInt8](repeating: 0, count: Int(byteCount)) }
      return UInt64(state.written.count)
    }
  }

  func read(into target: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(IOError) {
    if target.count == IncarnationTrailer.byteCount {
      gate?.wait()
      state.withLock { $0.trailerReads.append(offset) }
    }
    if offset == failure { throw IOError(.read, "memory", at: offset, reason: .ioError) }
    let address = UInt(bitPattern: target.baseAddress!)
    let count = target.count
    state.withLock { state in
      UnsafeMutableRawBufferPointer(start: .init(bitPattern: address), count: count)
        .copyBytes(from: state.written[Int(offset)..<Int(offset) + count])
    }
  }

  func write(_ source: UnsafeRawBufferPointer, at offset: UInt64) throws(IOError) {
    let new = Array(source)
    state.withLock { $0.written.replaceSubrange(Int(offset)..<Int(offset) + new.count, with: new) }
  }
}
