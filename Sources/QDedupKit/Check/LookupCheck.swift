package import DedupStore
package import DiskImage
package import QCOW2

/// Looks up the entries of a hash store in the store itself, opened as a program opens it that goes
/// on with it. Its filters load in the background while the image is checked.
///
/// What it finds does not depend on how fast they load: only a miss waits for all of them.
package final class LookupCheck {
  /// Why there are no lookups, or no more; nil if there are.
  package private(set) var note: String?
  /// What failed (a read, or memory that was not to be had), so that not all was looked up; nil if
  /// nothing did.
  package private(set) var failure: String?

  private let file: ImageFile
  private let mostReadsInVain: UInt64
  private var store: HashStore?
  private var isLoaded = false
  /// Where the incarnations begin that the store skips; empty until all filters are loaded.
  private var skipped: Set<HostOffset> = []
  private var lookups: UInt64 = 0
  private var readsInVain: UInt64 = 0

  /// In how many groups of eight incarnations lookups may search, all together.
  private static let mostSearches: UInt64 = 1 << 33

  /// Opens a store.
  ///
  /// Memory for filters is taken as for data that is really there: a small file may name large
  /// incarnations in a hole.
  ///
  /// - Parameters:
  ///   - saved: The store; there is no check of one that may not be trusted.
  ///   - file: The image.
  ///   - mostReadsInVain: How many buckets may be read in which the digest is not, or four for each
  ///     lookup if that is more. Many incarnations of a small order have as many.
  /// - Throws: `ImageError` if the size of the file cannot be read.
  package init?(
    _ saved: SavedHashStore, _ file: ImageFile, mostReadsInVain: UInt64 = 1 << 24
  ) throws(ImageError) {
    guard saved.problem == nil, let dump = saved.dump else { return nil }
    self.file = file
    self.mostReadsInVain = mostReadsInVain
    let most = try SavedHashStore.mostMemory(for: file)
    do throws(StoreError) {
      let needed = try HashStore.filterBytes(opening: dump)
      if UInt64(needed) <= most {
        store = try saved.open(in: file)
      } else {
        note = """
          the entries of the hash store were not looked up: its filters take \(needed) bytes of \
          memory, and for a file of this size on the disk at most \(most) are taken
          """
      }
    } catch {
      failure = "the entries of the hash store were not looked up: \(error)"
    }
  }

  /// Looks up an entry, in which nothing else is wrong.
  ///
  /// - Parameters:
  ///   - entry: The entry.
  ///   - host: Where its incarnation begins.
  ///   - slot: Its place there.
  ///   - report: Where a miss goes, unless the whole incarnation is skipped.
  /// - Throws: `ImageError` if the file cannot be read.
  package func check(
    _ entry: StoreEntry, at host: HostOffset, slot: Int, _ report: inout CheckReport.HashStore
  ) throws(ImageError) {
    guard let store, note == nil else { return }
    lookups += 1
    if !(try isFound(entry.digest, in: store)), !skipped.contains(host) {
      report.note(
        """
        the incarnation at byte \(host.bytes), slot \(slot): a lookup of the digest \
        \(entry.digest) does not find it
        """)
    }
    if readsInVain > max(mostReadsInVain, 4 * lookups) {
      end("\(lookups) lookups read \(readsInVain) buckets in vain", store)
    } else if lookups > Self.mostSearches / UInt64(store.incarnationCount / 8 + 1) {
      end("\(lookups) lookups searched \(store.incarnationCount) incarnations each", store)
    }
  }

  private func end(_ reason: String, _ store: HashStore) {
    note = """
      not all entries of the hash store were looked up: \(reason), because it has many incarnations \
      for its order \(store.geometry.order)
      """
  }

  /// Ends the check.
  ///
  /// - Parameters:
  ///   - damaged: Where the incarnations begin in which something wrong was found already.
  ///   - report: Where the incarnations go that the store skips, and the number of lookups.
  package func finish(
    besides damaged: Set<HostOffset>, _ report: inout CheckReport.HashStore
  ) {
    guard let store else { return }
    waitUntilLoaded(store)
    for problem in store.openingProblems {
      // What is damaged is found without the store too; what it could not read may be sound.
      if damaged.contains(HostOffset(problem.offset.bytes)) { continue }
      if case .io = problem.reason {
        failure = failure ?? problem.description
      } else {
        report.note("\(problem)")
      }
    }
    if note == nil, failure == nil { report.lookups = lookups }
  }

  private func isFound(_ digest: Digest, in store: HashStore) throws(ImageError) -> Bool {
    if try lookUp(digest, in: store) { return true }
    if isLoaded { return false }
    waitUntilLoaded(store)
    return try lookUp(digest, in: store)
  }

  private func lookUp(_ digest: Digest, in store: HashStore) throws(ImageError) -> Bool {
    let before = store.falsePositives
    do throws(StoreError) {
      let hit = try store.lookup(digest)
      // A miss counts once all is loaded: before, chance decides what it reads.
      if hit != nil || isLoaded { readsInVain += store.falsePositives - before }
      return hit?.entry.digest == digest
    } catch {
      if case .io(let error) = error { throw .io(error) }
      throw .unsupported(file.path, reason: "\(error)")
    }
  }

  private func waitUntilLoaded(_ store: HashStore) {
    if isLoaded { return }
    store.waitUntilLoaded()
    isLoaded = true
    skipped = Set(store.openingProblems.map { HostOffset($0.offset.bytes) })
  }
}
