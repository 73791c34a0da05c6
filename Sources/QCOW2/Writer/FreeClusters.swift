/// Which host clusters of an existing file a change may take: those that nothing used when the
/// change began, and that it has not taken since.
///
/// What a change gives up itself (old tables, removed data) never becomes free here: until the new
/// header is written, the old image must stay whole (Documentation/Versions.md, "The commit").
///
/// Two bits a cluster: whether it was in use, and whether it is taken. Runs for tables and whole
/// clusters are handed out first fit; what packs its data gets pieces of the longest runs
/// (`takeLongRun`), as each end of a run wastes a part of a cluster. As clusters only get taken, a
/// search for runs of one length never has to look again at what is before the last one found, so all
/// searches together cost O(clusters) for each length asked for.
package struct FreeClusters {
  private var used: ClusterSet
  private var taken: ClusterSet
  private let count: UInt64
  /// Before which cluster there is no run of a length.
  private var searched: [UInt64: UInt64] = [:]
  /// The long runs, the longest last; nil until one is asked for. Parts may have been taken since.
  private var longRuns: [Range<UInt64>]?

  /// How many long runs are kept account of.
  private static let mostLongRuns = 1 << 16

  /// The clusters of a file, of which some are in use.
  ///
  /// - Parameters:
  ///   - clusterCount: How many clusters the file has.
  ///   - isUsed: Whether a cluster is in use; asked once for each.
  package init(clusterCount: UInt64, isUsed: (HostCluster) -> Bool) {
    used = ClusterSet(clusterCount, where: isUsed)
    taken = used
    count = clusterCount
  }

  /// How many clusters the file had when the change began.
  package var clusterCount: UInt64 { count }

  /// Counts clusters as in use although nothing refers to them; those after the file's end do not
  /// matter.
  package mutating func reserve(_ clusters: ClosedRange<HostCluster>) {
    for cluster in clusters where cluster.index < count {
      used.insert(cluster)
      taken.insert(cluster)
    }
  }

  /// Whether a cluster was in use when the change began. O(1).
  package func wasUsed(_ cluster: HostCluster) -> Bool { used.contains(cluster) }

  /// Whether the change has taken a cluster that nothing used before. O(1).
  package func isTakenByChange(_ cluster: HostCluster) -> Bool {
    taken.contains(cluster) && !used.contains(cluster)
  }

  /// Takes the first run of free clusters that is long enough; nil if there is none in the file.
  package mutating func take(_ length: UInt64) -> HostCluster? {
    var cluster = searched[length] ?? 0
    var run: UInt64 = 0
    while cluster < count {
      if cluster % 64 == 0, taken.containsAll64(from: cluster) {
        run = 0
        cluster += 64
        continue
      }
      run = taken.contains(HostCluster(cluster)) ? 0 : run + 1
      cluster += 1
      if run == length {
        for index in cluster - length..<cluster { taken.insert(HostCluster(index)) }
        searched[length] = cluster
        return HostCluster(cluster - length)
      }
    }
    searched[length] = count
    return nil
  }

  /// Takes a piece of the longest run of free clusters.
  ///
  /// - Parameters:
  ///   - shortest: How many clusters it has at least.
  ///   - longest: How many at most.
  /// - Returns: The piece; nil if no run in the file is long enough.
  package mutating func takeLongRun(
    atLeast shortest: UInt64, atMost longest: UInt64
  ) -> Range<HostCluster>? {
    var runs = longRuns ?? findLongRuns(atLeast: shortest)
    defer { longRuns = runs }
    while let run = runs.popLast() {
      let start = run.first { !taken.contains(HostCluster($0)) } ?? run.upperBound
      var end = start
      while end < run.upperBound, end - start < longest, !taken.contains(HostCluster(end)) {
        end += 1
      }
      if end < run.upperBound { runs.append(end..<run.upperBound) }
      guard end - start >= shortest else { continue }
      for cluster in start..<end { taken.insert(HostCluster(cluster)) }
      return HostCluster(start)..<HostCluster(end)
    }
    return nil
  }

  /// All runs that are long enough, the longest last, of equal ones the first.
  private func findLongRuns(atLeast shortest: UInt64) -> [Range<UInt64>] {
    var runs: [Range<UInt64>] = []
    func isBefore(_ a: Range<UInt64>, _ b: Range<UInt64>) -> Bool {
      a.count != b.count ? a.count < b.count : a.lowerBound > b.lowerBound
    }
    var start: UInt64 = 0
    for cluster in 0...count {
      if cluster < count, !taken.contains(HostCluster(cluster)) { continue }
      if cluster - start >= shortest { runs.append(start..<cluster) }
      start = cluster + 1
      if runs.count >= 2 * Self.mostLongRuns {
        runs.sort(by: isBefore)
        runs.removeFirst(Self.mostLongRuns)
      }
    }
    runs.sort(by: isBefore)
    return runs
  }

  /// Takes one given cluster, if it is free.
  ///
  /// - Returns: Whether it was.
  package mutating func take(ifFree cluster: HostCluster) -> Bool {
    guard cluster.index < count, !taken.contains(cluster) else { return false }
    taken.insert(cluster)
    return true
  }
}
