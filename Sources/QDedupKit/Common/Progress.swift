import Synchronization

/// How far an operation has come, and the wish to end it early: shared by the operation, which
/// counts, and a user interface, which looks now and then.
public final class Progress: Sendable {
  /// What is being done.
  public enum Phase: Int, Sendable {
    case starting, rebuilding, counting, estimating, converting, exporting, finishing, verifying,
      syncing, done
  }

  private let phaseValue = Atomic(Phase.starting.rawValue)
  private let totalValue = Atomic(Progress.unknown)
  private let processedValue = Atomic<UInt64>(0)
  private let cancelled = Atomic(false)
  private let failed = Atomic(false)

  /// No disk has as many bytes.
  private static let unknown = UInt64.max

  /// Nothing done yet.
  public init() {}

  /// What is being done now.
  public var phase: Phase { Phase(rawValue: phaseValue.load(ordering: .relaxed)) ?? .starting }

  /// How many bytes of the disk the phase has to go through; nil if that is not known, or it does not
  /// go through the disk.
  public var totalBytes: UInt64? {
    let total = totalValue.load(ordering: .relaxed)
    return total == Self.unknown ? nil : total
  }

  /// How far on the disk the phase has come, in bytes.
  public var processedBytes: UInt64 { processedValue.load(ordering: .relaxed) }

  /// Whether the operation shall stop.
  public var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

  /// Asks the operation to stop soon and to leave nothing behind.
  public func cancel() { cancelled.store(true, ordering: .relaxed) }

  package func begin(_ phase: Phase, totalBytes: UInt64?) {
    processedValue.store(0, ordering: .relaxed)
    totalValue.store(totalBytes ?? Self.unknown, ordering: .relaxed)
    phaseValue.store(phase.rawValue, ordering: .relaxed)
  }

  /// Notes that the phase has come as far as `bytes`, or to its end: the last cluster of a disk may
  /// reach beyond it.
  package func reach(_ bytes: UInt64) {
    processedValue.max(min(bytes, totalValue.load(ordering: .relaxed)), ordering: .relaxed)
  }

  /// Notes that the operation is over, for a disk of `bytes`.
  func finish(_ bytes: UInt64) {
    begin(.done, totalBytes: bytes)
    reach(bytes)
  }

  /// Notes that the operation has failed, so that what waits for input gives up.
  func fail() { failed.store(true, ordering: .relaxed) }

  /// Whether there is no use in waiting for input: the operation is cancelled, or has failed.
  var isStopping: Bool { isCancelled || failed.load(ordering: .relaxed) }
}
