public import DedupStore
import DiskIO
import SystemPackage

/// A storage in memory that notes every call and can make one of them fail.
final class MemoryStorage: StoreStorage {
  enum Call: Hashable {
    case allocate(byteCount: UInt64)
    case read(offset: StorageOffset, byteCount: Int)
    case write(offset: StorageOffset, byteCount: Int)
  }

  struct Full: Error {}

  /// The first region is not at 0, as in an image.
  static let firstOffset: StorageOffset = 65536
  private(set) var bytes = [UInt8](repeating: 0, count: Int(firstOffset.bytes))
  private(set) var calls: [Call] = []
  /// The calls that still succeed; nil lets all of them.
  var callsUntilFailure: Int?
  /// Whether calls are noted.
  var isRecording = true

  var allocations: Int {
    calls.count { if case .allocate = $0 { true } else { false } }
  }
  var reads: Int {
    calls.count { if case .read = $0 { true } else { false } }
  }

  func forgetCalls() { calls = [] }

  /// Overwrites stored bytes without the store's knowledge.
  func overwrite(_ byte: UInt8, in range: Range<Int>) {
    for index in range { bytes[index] = byte }
  }

  func allocate(byteCount: UInt64) throws(StoreError) -> StorageOffset {
    guard note(.allocate(byteCount: byteCount)) else {
      throw .allocation(byteCount: byteCount, cause: Full())
    }
    let offset = StorageOffset(UInt64(bytes.count))
    bytes.append(contentsOf: repeatElement(0, count: Int(byteCount)))
    bytes.pad(toMultipleOf: 4096)
    return offset
  }

  func read(into target: UnsafeMutableRawBufferPointer, at offset: StorageOffset) throws(IOError) {
    guard note(.read(offset: offset, byteCount: target.count)),
      Int(offset.bytes) + target.count <= bytes.count
    else { throw IOError(.read, "memory", at: offset.bytes, reason: .ioError) }
    target.copyBytes(from: bytes[Int(offset.bytes)...].prefix(target.count))
  }

  func write(_ source: UnsafeRawBufferPointer, at offset: StorageOffset) throws(IOError) {
    guard note(.write(offset: offset, byteCount: source.count)),
      Int(offset.bytes) + source.count <= bytes.count
    else { throw IOError(.write, "memory", at: offset.bytes, reason: .noSpace) }
    let start = Int(offset.bytes)
    bytes.withUnsafeMutableBytes {
      UnsafeMutableRawBufferPointer(rebasing: $0[start..<start + source.count])
        .copyMemory(from: source)
    }
  }

  /// Notes a call and decides whether it succeeds.
  private func note(_ call: Call) -> Bool {
    if isRecording { calls.append(call) }
    guard let left = callsUntilFailure else { return true }
    callsUntilFailure = left == 0 ? nil : left - 1
    return left > 0
  }
}

/// In tests, places may be written as numbers.
extension StorageOffset: ExpressibleByIntegerLiteral {
  /// The place that many bytes after the beginning.
  public init(integerLiteral bytes: UInt64) { self.init(bytes) }
}
