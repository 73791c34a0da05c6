import TestSupport

/// What a file may hold after a crash at any moment of a run, as far as disks promise anything: what
/// was written before a sync has arrived when the sync is over; of what came after it any part may
/// have, in any order, and of each write any sectors.
struct CrashStates {
  /// Why a state is one of them.
  enum Kind: String, CaseIterable {
    /// The run stopped after an operation.
    case prefix
    /// One operation of an epoch did not arrive, all others did.
    case lost
    /// Of one write of an epoch only some sectors arrived, all others did.
    case torn
    /// Of each operation of an epoch chance decides.
    case random
  }

  private let old: [UInt8]
  /// The operations between two syncs.
  private let epochs: [[DiskOperation]]
  private let randomCount: Int
  private let seed: UInt64

  /// The states of one run.
  ///
  /// - Parameters:
  ///   - old: The file before.
  ///   - operations: What the run did.
  ///   - randomCount: How many states chance makes.
  ///   - seed: What chance begins with.
  init(_ old: [UInt8], _ operations: [DiskOperation], randomCount: Int, seed: UInt64) {
    self.old = old
    epochs = operations.split(separator: .sync, omittingEmptySubsequences: false).map(Array.init)
    self.randomCount = randomCount
    self.seed = seed
  }

  /// Goes through all states, one after the other.
  ///
  /// - Parameter body: Gets the kind of a state, and what makes it.
  func forEach(_ body: (Kind, () -> [UInt8]) throws -> Void) rethrows {
    var base = old
    var random = SplitMix64(seed: seed)
    let total = epochs.reduce(0) { $0 + $1.count }
    for epoch in epochs {
      try prefixes(of: epoch, base, body)
      try lostAndTorn(epoch, base, body)
      if epoch.count > 1 {
        for _ in 0..<randomCount * epoch.count / total {
          let seed = random.next()
          try body(.random) { subset(of: epoch, base, seed) }
        }
      }
      for operation in epoch { operation.apply(to: &base) }
    }
  }

  private func prefixes(
    of epoch: [DiskOperation], _ base: [UInt8], _ body: (Kind, () -> [UInt8]) throws -> Void
  ) rethrows {
    var state = base
    try body(.prefix) { state }
    for operation in epoch {
      operation.apply(to: &state)
      try body(.prefix) { state }
    }
  }

  private func lostAndTorn(
    _ epoch: [DiskOperation], _ base: [UInt8], _ body: (Kind, () -> [UInt8]) throws -> Void
  ) rethrows {
    for (index, operation) in epoch.enumerated() {
      let count = operation.sectorCount
      try body(.lost) { without(index, of: epoch, base) { _ in false } }
      guard count > 1 else { continue }
      try body(.torn) { without(index, of: epoch, base) { $0 == 0 } }
      try body(.torn) { without(index, of: epoch, base) { $0 > 0 } }
      try body(.torn) { without(index, of: epoch, base) { $0 < count - 1 } }
      try body(.torn) { without(index, of: epoch, base) { $0 < count / 2 } }
    }
  }

  /// The end of an epoch at which some sectors of one operation are missing.
  private func without(
    _ index: Int, of epoch: [DiskOperation], _ base: [UInt8], _ sectors: @escaping (Int) -> Bool
  ) -> [UInt8] {
    var state = base
    for (other, operation) in epoch.enumerated() {
      if other != index {
        operation.apply(to: &state)
      } else if operation.sectorCount > 1 {
        operation.apply(to: &state, sectors: sectors)
      }
    }
    return state
  }

  /// What chance leaves of an epoch.
  private func subset(of epoch: [DiskOperation], _ base: [UInt8], _ seed: UInt64) -> [UInt8] {
    var (state, random) = (base, SplitMix64(seed: seed))
    let likely = random.next() % 9
    for operation in epoch {
      if random.next() % 8 < likely {
        operation.apply(to: &state)
      } else if operation.sectorCount > 1, random.next() % 4 == 0 {
        let mask = random.next()
        operation.apply(to: &state) { mask >> UInt64($0 % 64) & 1 == 1 }
      }
    }
    return state
  }
}
