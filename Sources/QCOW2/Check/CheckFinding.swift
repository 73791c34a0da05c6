public import DiskImage

/// Something that a check found wrong.
public struct CheckFinding: Equatable, Sendable {
  /// What a finding means.
  public enum Kind: String, Sendable, CaseIterable {
    /// A part of the image could not be checked.
    case checkError = "check error"
    /// Tables contradict each other: data is lost, or will be when something is written.
    case corruption
    /// Metadata is where something else is too.
    case overlap
    /// A cluster is counted more often than it is used: room is lost, nothing else.
    case leak
  }

  /// What it means.
  public let kind: Kind
  /// What is wrong, in words.
  public let what: String
  /// Where in the file it is.
  public let host: HostOffset?
  /// Where on the disk it is.
  public let guest: GuestOffset?
  /// What had to be there.
  public let expected: String?
  /// What is there.
  public let found: String?
  /// How often it counts: a table that two snapshots share counts for both.
  public let count: UInt64

  init(
    _ kind: Kind, _ what: String, host: HostOffset? = nil, guest: GuestOffset? = nil,
    expected: String? = nil, found: String? = nil, count: UInt64 = 1
  ) {
    self.kind = kind
    self.what = what
    self.host = host
    self.guest = guest
    self.expected = expected
    self.found = found
    self.count = count
  }
}

/// What a check found: how much of each kind, and the first findings of each.
public struct CheckFindings: Equatable, Sendable {
  /// The most findings of a kind that are kept; all are counted.
  public static let mostListed = 100

  /// The findings that are kept, in the order of the search.
  public private(set) var listed: [CheckFinding] = []
  /// What repairs everything that was found; nil if something is beyond that.
  public private(set) var repair: Repair? = .leaks
  private var counts: [CheckFinding.Kind: UInt64] = [:]
  private var listedCounts: [CheckFinding.Kind: Int] = [:]

  /// How much of a kind was found.
  public subscript(kind: CheckFinding.Kind) -> UInt64 { counts[kind] ?? 0 }

  /// Whether nothing was found.
  public var isEmpty: Bool { counts.isEmpty }

  /// Counts a finding, and keeps it if there is room.
  ///
  /// - Parameters:
  ///   - kind: What it means.
  ///   - times: How often it counts.
  ///   - repair: What repairs it; nil for nothing that is sure to lose no data.
  ///   - finding: Makes what is kept; not called where there is no room.
  mutating func add(
    _ kind: CheckFinding.Kind, times: UInt64 = 1, repair: Repair? = nil,
    _ finding: () -> CheckFinding
  ) {
    if repair != .leaks, self.repair != nil { self.repair = repair }
    let sum = (counts[kind] ?? 0).addingReportingOverflow(times)
    counts[kind] = sum.overflow ? .max : sum.partialValue
    guard listedCounts[kind, default: 0] < Self.mostListed else { return }
    listedCounts[kind, default: 0] += 1
    listed.append(finding())
  }
}

/// How much `qemu-img check -r` is to repair. What a guest reads is the same before and after it: only
/// refcounts, and flags that follow from them, change.
public enum Repair: String, Codable, Sendable {
  /// Clusters that are counted and that nothing uses.
  case leaks
  /// All that is wrong.
  case all
}

/// What a check of an image found, and what the image holds.
public struct ImageCheck: Sendable {
  /// What is wrong.
  public internal(set) var findings = CheckFindings()
  /// The number of guest clusters of the disk.
  public internal(set) var totalClusters: UInt64 = 0
  /// How many of them have a place in the file.
  public internal(set) var allocatedClusters: UInt64 = 0
  /// How many of them are compressed.
  public internal(set) var compressedClusters: UInt64 = 0
  /// How many of them do not follow the one before them; compressed ones never do.
  public internal(set) var fragmentedClusters: UInt64 = 0
  /// The end of the last host cluster that is used or counted.
  public internal(set) var end = HostOffset(0)
}
