import Synchronization

/// How far an operation has come, and the wish to end it early: shared by the operation, which
/// counts, and a user interface, which looks now and then.
public final class Progress: Sendable {
  /// What is being done.
  public enum Phase: Int, Sendable {
    case starting, converting, finishing, verifying, syncing, done
  }

  private let phaseValue = Atomic(Phase.starting.rawValue)
  private let totalValue = Atomic<UInt64>(0)
  private let processedValue = Atomic<UInt64>(0)
  private let cancelled = Atomic(false)

  /// Nothing done yet.
  public init() {}

  /// What is being done now.
  public var phase: Phase { Phase(rawValue: phaseValue.load(ordering: .relaxed)) ?? .starting }

  /// How many bytes the phase has to process; 0 if that is not known.
  public var totalBytes: UInt64 { totalValue.load(ordering: .relaxed) }

  /// How many bytes the phase has processed.
  public var processedBytes: UInt64 { processedValue.load(ordering: .relaxed) }

  /// Whether the operation shall stop.
  public var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

  /// Asks the operation to stop soon and to leave nothing behind.
  public func cancel() { cancelled.store(true, ordering: .relaxed) }

  package func begin(_ phase: Phase, totalBytes: UInt64) {
    processedValue.store(0, ordering: .relaxed)
    totalValue.store(totalBytes, ordering: .relaxed)
    phaseValue.store(phase.rawValue, ordering: .relaxed)
  }

  package func add(_ bytes: Int) {
    processedValue.wrappingAdd(UInt64(bytes), ordering: .relaxed)
  }
}
