import Synchronization
import SystemPackage
import TestSupport

/// A file with versions as it was before a command, what the command did to it, and what it was
/// afterwards.
struct CrashScenario {
  /// What the command does.
  enum Change: String, CaseIterable {
    case add, remove, activate
    /// An addition to a file to which a guest has written, so that its store is made again.
    case rebuild
    /// A removal after which the store is made again.
    case removeAndRebuild
  }

  /// The file before.
  let old: [UInt8]
  /// The disks of the file before.
  let oldDisks: [String: UInt64]
  /// The disks of the file afterwards.
  let newDisks: [String: UInt64]
  /// What the command did, in order.
  let operations: [DiskOperation]
  private let arguments: [String]
  private let folder: TemporaryDirectory
  private let disk: RecordedDisk

  static let clusterSize = 4096
  /// More than two L2 tables map, most of it a hole.
  private static let diskSize = 5 << 20
  private static let known = Mutex<[String: CrashScenario]>([:])

  /// The scenario of a change in a file that is made with these options. It is made once.
  static func of(_ change: Change, _ options: [String]) throws -> CrashScenario {
    let name = ([change.rawValue] + options).joined(separator: " ")
    if let scenario = known.withLock({ $0[name] }) { return scenario }
    let scenario = try CrashScenario(change, options)
    known.withLock { $0[name] = scenario }
    return scenario
  }

  /// Makes the file, and lets the command run.
  private init(_ change: Change, _ options: [String]) throws {
    folder = try TemporaryDirectory()
    disk = try RecordedDisk(in: folder)
    let (folder, file) = (folder, folder.file("versions.qcow2"))
    func run(_ arguments: String...) throws {
      try Command.qdedup(arguments).run().expectingExit(0)
    }
    func input(_ name: String, _ bytes: [UInt8]) throws -> String {
      try folder.make(name, bytes).string
    }
    let v1 = Self.content(seed: 1)
    let v3 = Self.changed(v1, seed: 3)
    let start = ["convert", "-q", "--name", "v1"] + options + [try input("v1", v1), file.string]
    try Command.qdedup(start).run().expectingExit(0)
    try run("add", "-q", "--name", "v2", file.string, input("v2", Self.changed(v1, seed: 2)))
    try run("add", "-q", "--name", "v3", file.string, input("v3", v3))
    try run("remove", "-q", file.string, "v2")
    let v4 = try input("v4", Self.changed(v3, seed: 4))
    switch change {
    case .add:
      arguments = ["add", "-q", "--name", "v4", file.string, v4]
    case .remove:
      arguments = ["remove", "-q", file.string, "v1"]
    case .activate:
      arguments = ["activate", "-q", file.string, "v1"]
    case .rebuild:
      try QemuImage(file).perform("write -P 9 1M 64k", "write -P 8 16k 8k", "write -z 32k 8k")
      arguments = ["add", "-q", "--name-active", "guest", "--name", "v4", file.string, v4]
    case .removeAndRebuild:
      try run("add", "-q", "--name", "v5", file.string, input("v5", Self.content(seed: 5)))
      try run("activate", "-q", file.string, "v1")
      arguments = ["remove", "-q", file.string, "v3", "v5"]
    }
    old = try TemporaryDirectory.content(of: file)
    oldDisks = try Self.soundDisks(old)
    operations = try disk.record(arguments, changing: file)
    newDisks = try Self.soundDisks(try TemporaryDirectory.content(of: file))
  }

  /// The command, for another copy of the file, and perhaps with an operation that fails.
  func command(on file: FilePath, failingAt number: Int? = nil) throws -> Command {
    let own = folder.file("versions.qcow2").string
    return try disk.command(
      arguments.map { $0 == own ? file.string : $0 }, changing: file, failingAt: number)
  }

  private static func soundDisks(_ bytes: [UInt8]) throws -> [String: UInt64] {
    let walked = try WalkedVersions(bytes)
    guard walked.problems.isEmpty else { throw TestSupportError("\(walked.problems)") }
    return walked.disks
  }

  /// A disk with three islands of data.
  static func content(seed: UInt64) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: diskSize)
    for island in 0..<3 {
      let data = clusters(22, seed: seed * 100 + UInt64(island))
      let place = island * (2 << 20)
      bytes.replaceSubrange(place..<place + data.count, with: data)
    }
    return bytes
  }

  /// The same with some clusters changed, and some more.
  static func changed(_ bytes: [UInt8], seed: UInt64) -> [UInt8] {
    var bytes = bytes
    for (index, place) in [3 << 12, 12 << 12, (2 << 20) + (5 << 12), 4 << 20, 1 << 20].enumerated()
    {
      let data = clusters(4, seed: seed * 1000 + UInt64(index))
      bytes.replaceSubrange(place..<place + data.count, with: data)
    }
    return bytes
  }

  /// Clusters of which a method saves a half or so.
  private static func clusters(_ count: Int, seed: UInt64) -> [UInt8] {
    (0..<count).flatMap { cluster in
      let noise = RawImage.noise(
        count: 1000 + 300 * (cluster % 5), seed: seed * 100 + UInt64(cluster))
      return noise + repeatElement(7, count: clusterSize - noise.count)
    }
  }
}
