import DedupStore
import FoundationEssentials
import Glibc
import Simulation

/// What a run has shown, ready to be printed.
struct Figures: Codable {
  /// Clusters gone through; each is looked up, and inserted unless it was found.
  let clusters: UInt64
  /// The order of the store.
  let order: Int
  /// Incarnations that the store knows at the end, and those that it has forgotten.
  let incarnations, forgotten: UInt64
  /// The share of its slots that the log store used when it was full.
  let load: Double
  /// Entries that a lookup can find at the end.
  let entries: UInt64
  /// Seconds by the clock and of processor time.
  let wallSeconds, cpuSeconds: Double
  /// What the store says that it takes, and the peak resident memory of the process.
  let storeBytes, peakBytes: UInt64
  /// What the incarnations take in the file system.
  let diskBytes: UInt64
  /// Duplicates that were recognised, and those that were not.
  let found, missed: UInt64
  /// Lookups and insertions.
  let lookups, insertions: UInt64
  /// Store clusters read for nothing, a lookup, and what chance lets expect.
  let falsePositivesPerLookup, expectedFalsePositivesPerLookup: Double
  /// Reads, a lookup: one for each hit in an incarnation and for each false positive.
  let readsPerLookup, expectedReadsPerLookup: Double

  /// - Parameters:
  ///   - trial: The run, which has ended.
  ///   - clusters: How many clusters the disk had.
  ///   - spent: What the run took.
  ///   - diskBytes: What its incarnations take in the file system.
  init(_ trial: Trial, clusters: UInt64, spent: ProcessFigures, diskBytes: UInt64) {
    let (store, statistics) = (trial.store, trial.store.statistics)
    self.clusters = clusters
    order = store.geometry.order
    incarnations = UInt64(store.incarnationCount)
    forgotten = statistics.forgotten
    let slots = Double(trial.freezes) * Double(store.geometry.entryCount)
    load = slots == 0 ? 0 : Double(trial.frozenEntries) / slots
    entries = statistics.entries
    wallSeconds = spent.wall
    cpuSeconds = spent.cpu
    storeBytes = UInt64(store.ramBytes)
    peakBytes = spent.peakBytes
    self.diskBytes = diskBytes
    found = trial.found
    missed = trial.missed
    lookups = statistics.lookups
    insertions = statistics.insertions
    let expected = Double(trial.searched) * Self.falsePositives(load: load)
    let all = Double(lookups)
    falsePositivesPerLookup = Double(statistics.falsePositives) / all
    expectedFalsePositivesPerLookup = expected / all
    readsPerLookup = Double(trial.storage.reads) / all
    expectedReadsPerLookup = (expected + Double(statistics.incarnationHits)) / all
  }

  /// How many of the two buckets of an incarnation have a matching tag by chance: each of the 4
  /// slots is used with the probability `load`, and its tag in RAM is any of 2^16.
  private static func falsePositives(load: Double) -> Double {
    2 * (1 - pow(1 - pow(2, -16), 4 * load))
  }

  /// The figures as a JSON object.
  var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }
}
