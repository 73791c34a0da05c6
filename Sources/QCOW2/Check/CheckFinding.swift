public import DiskImage

/// Something that a check found wrong.
public struct CheckFinding: Equatable, Sendable {
  /// What a finding means.
  public enum Kind: String, Sendable, CaseIterable {
    /// A part of the image could not be checked.
    case checkError = "check error"
    /// Tables contradict each other: data is lost, or will be when something is written.
    case corruption
    /// Metadata stands where something else stands too.
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
  /// What mends everything that was found; nil if something is beyond that.
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
  ///   - repair: What mends it; nil for nothing that is sure to lose no data.
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
