import DedupStore
import Glibc
import Simulation
import SystemPackage

/// A store with simulated contents in it, on a real file.
final class FilledStore {
  /// The folder for files: `BENCH_DIR`, else /dev/shm, so that no disk takes part.
  static var directory: FilePath {
    FilePath(getenv("BENCH_DIR").map { String(cString: $0) } ?? "/dev/shm")
  }

  /// The store.
  let store: HashStore
  /// Contents 0 up to, without, this one have been inserted.
  private(set) var contents: UInt64 = 0
  /// How many contents were asked for; makes the next one.
  private var asked: UInt64 = 0

  /// A store of order 14 with so many full incarnations and a nearly empty log store.
  init(incarnations: Int, maxIncarnations: UInt32 = 0) throws {
    store = try HashStore(
      order: 14, maxIncarnations: maxIncarnations, storage: FileStorage(in: Self.directory))
    while store.incarnationCount < incarnations { try insert() }
  }

  /// A store of order 14 with so many contents, all of which are in the log store: at most 60,000.
  init(contents: UInt64) throws {
    store = try HashStore(
      order: 14, maxIncarnations: 0, storage: FileStorage(in: Self.directory))
    while self.contents < contents { try insert() }
  }

  /// Inserts a new content.
  @inline(__always)
  func insert() throws {
    try store.insert(SimulatedContent.entry(contents))
    contents += 1
  }

  /// The digest of one of the contents in the store, any of them.
  @inline(__always)
  func knownDigest() -> Digest {
    asked += 1
    return SimulatedContent.digest(SimulatedContent.mixed(~asked) % contents)
  }

  /// A digest that has not been asked for and is not in the store.
  @inline(__always)
  func unknownDigest() -> Digest {
    asked += 1
    return SimulatedContent.digest(1 << 62 | asked)
  }
}
