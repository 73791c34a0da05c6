import DiskImage
import Foundation
import QDedupKit
import SystemPackage
import TestSupport

/// Judges what a crash has left of a file: every version has its old content or its new one, nothing
/// is leaked, and the file can be worked on.
struct CrashJudge {
  private let scenario: CrashScenario
  private let folder: TemporaryDirectory
  private let file: FilePath
  private let next: FilePath
  private let nextDigest: UInt64
  private let header: ArraySlice<UInt8>

  /// A judge of the states of one run.
  init(_ scenario: CrashScenario) throws {
    self.scenario = scenario
    folder = try TemporaryDirectory()
    file = folder.file("state.qcow2")
    header = scenario.old[..<DiskOperation.sectorSize]
    let bytes = Array(CrashScenario.changed(CrashScenario.content(seed: 1), seed: 9)[..<(96 << 10)])
    next = try folder.make("next.img", bytes)
    nextDigest = WalkedVersions.contentDigest(bytes, clusterSize: CrashScenario.clusterSize)
  }

  /// Reads all disks of a state, byte by byte.
  ///
  /// - Returns: What is wrong with it.
  func problems(of state: [UInt8]) throws -> [String] {
    let walked = try WalkedVersions(state)
    let isOld = state[..<DiskOperation.sectorSize] == header
    let expected = isOld ? scenario.oldDisks : scenario.newDisks
    return walked.problems
      + (walked.disks == expected ? [] : ["the versions are not the \(isOld ? "old" : "new") ones"])
  }

  /// Lets `qdedup check`, the next addition and, if it is wanted, QEMU look at a state.
  ///
  /// - Returns: What is wrong with it.
  func problemsInUse(of state: [UInt8], asksQEMU: Bool) throws -> [String] {
    try RawImage.write(state, to: file)
    var problems: [String] = []
    if asksQEMU {
      let check = try QemuImage(file).check()
      if check.exitCode != 0 { problems.append("qemu-img check: \(check)") }
    }
    let before = try WalkedVersions(state).disks
    let report = try whileSpawning { try Checker(file).run() }
    if report.result != .clean { problems.append("qdedup check: \(report)") }
    var options = AddOptions(file, input: .file(next), name: try VersionName("next"), threads: 1)
    options.keepsActive = true
    try whileSpawning { _ = try VersionAdder(options).run() }
    let after = try WalkedVersions(try TemporaryDirectory.content(of: file))
    problems += after.problems.map { "after the next addition: \($0)" }
    if after.disks != before.merging(["next": nextDigest], uniquingKeysWith: { $1 }) {
      problems.append("after the next addition the versions are not the same and one more")
    }
    return problems
  }

  /// Runs a part of the program in this process, again if the file seems to be in use: a child that
  /// another test starts has its locks too, for the moment until it runs its program.
  private func whileSpawning<Result>(_ body: () throws -> Result) throws -> Result {
    for _ in 0..<200 {
      do { return try body() } catch ConversionError.image(.inUse) {
        usleep(5000)
      } catch ConversionError.version(.inUse) {
        usleep(5000)
      }
    }
    return try body()
  }
}
