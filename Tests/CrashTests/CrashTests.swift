import Foundation
import SystemPackage
import TestSupport
import Testing

/// A crash at any moment of a change leaves every version as it was or as it should become, and a
/// file that can be worked on.
///
/// Runs of the program are recorded and played back in part. Each state is read with none of the
/// program's code, and goes through `qdedup check`, `qemu-img check` and the next addition. A seeded
/// sample of the states is looked at; all of them if the environment variable
/// `QDEDUP_CRASH_MATRIX` is `all`.
@Suite struct CrashTests {
  static let isComplete = ProcessInfo.processInfo.environment["QDEDUP_CRASH_MATRIX"] == "all"
  static let modes: [[String]] = [[], ["-c", "--compression-type", "zstd"]]
  /// How many states of a run chance makes.
  private static let randomStates = 1100
  /// How many states of a run the sample has.
  private static let sampleSize = 30

  @Test(
    "A crash leaves the old versions or the new ones", arguments: CrashScenario.Change.allCases,
    modes)
  func crash(change: CrashScenario.Change, mode: [String]) throws {
    let scenario = try CrashScenario.of(change, mode)
    let states = CrashStates(
      scenario.old, scenario.operations, randomCount: Self.randomStates, seed: 4001)
    let judge = try CrashJudge(scenario)
    var (counts, total, judged) = ([CrashStates.Kind: Int](), 0, 0)
    states.forEach { _, _ in total += 1 }
    var random = SplitMix64(seed: 4002)
    var wrong: [String] = []
    try states.forEach { kind, make in
      counts[kind, default: 0] += 1
      guard Self.isComplete || Int(random.next() % UInt64(total)) < Self.sampleSize else { return }
      judged += 1
      let state = make()
      let problems =
        try judge.problems(of: state) + judge.problemsInUse(of: state, asksQEMU: true)
      if !problems.isEmpty {
        wrong.append("\(kind) \(counts[kind]!): \(problems.prefix(3))")
      }
    }
    #expect(wrong.isEmpty, "\(wrong.count) of \(total): \(wrong.prefix(5))")
    let kinds = CrashStates.Kind.allCases.map { "\($0) \(counts[$0] ?? 0)" }
    print(
      """
      crash states, \(change) \(mode.isEmpty ? "plain" : "zstd"): \(total) \
      (\(kinds.joined(separator: ", "))), \(judged) of them read, checked by QEMU and added to, \
      \(wrong.count) wrong
      """)
  }

  @Test(
    "Before the commit nothing is written to what is in use",
    arguments: CrashScenario.Change.allCases, modes)
  func nothingInUseIsOverwritten(change: CrashScenario.Change, mode: [String]) throws {
    let scenario = try CrashScenario.of(change, mode)
    let used = try WalkedVersions(scenario.old).references
    let before = scenario.operations.prefix { $0 != .sync }
    #expect(!before.isEmpty)
    for operation in before {
      guard case .write(let offset, let bytes) = operation else { continue }
      for cluster in offset / 4096...(offset + bytes.count - 1) / 4096 {
        #expect(cluster >= used.count || used[cluster] == 0, "cluster \(cluster)")
      }
    }
    let commit = scenario.operations.split(separator: .sync, omittingEmptySubsequences: false)[1]
    #expect(commit.count == 1 && commit.first?.sectorCount == 1)
  }

  @Test(
    "A write, sync or cut that fails leaves the old versions or the new ones",
    arguments: CrashScenario.Change.allCases)
  func failure(change: CrashScenario.Change) throws {
    let scenario = try CrashScenario.of(change, [])
    let judge = try CrashJudge(scenario)
    let folder = try TemporaryDirectory()
    let file = folder.file("versions.qcow2")
    let last = scenario.operations.count - 1
    let commit = try #require(scenario.operations.firstIndex(of: .sync))
    // All around the commit, and some before it.
    let chosen =
      Self.isComplete
      ? Array(0...last)
      : Array(Set((0..<commit).filter { $0 % 16 == 3 } + Array(max(0, commit - 2)...last))).sorted()
    for number in chosen {
      try RawImage.write(scenario.old, to: file)
      let result = try scenario.command(on: file, failingAt: number).run()
      // What fails after the commit only leaves room that could not be given back.
      #expect(result.exitCode == (number <= commit + 2 ? 1 : 0), "operation \(number): \(result)")
      let state = try TemporaryDirectory.content(of: file)
      let problems =
        try judge.problems(of: state) + judge.problemsInUse(of: state, asksQEMU: true)
      #expect(problems.isEmpty, "operation \(number) of \(commit)/\(last): \(problems)")
      if number <= commit { #expect(state.count == scenario.old.count, "operation \(number)") }
    }
  }

  @Test("kill -9 at any moment leaves the old versions or the new ones", arguments: modes)
  func kill(mode: [String]) throws {
    let scenario = try CrashScenario.of(.add, mode)
    let judge = try CrashJudge(scenario)
    let folder = try TemporaryDirectory()
    let file = folder.file("versions.qcow2")
    var random = SplitMix64(seed: 4003)
    var killed = 0
    for _ in 0..<20 {
      try RawImage.write(scenario.old, to: file)
      let run = try scenario.command(on: file).start()
      usleep(UInt32(random.next() % 60_000))
      run.signal(SIGKILL)
      if try run.wait().exitCode != 0 { killed += 1 }
      let state = try TemporaryDirectory.content(of: file)
      let problems =
        try judge.problems(of: state) + judge.problemsInUse(of: state, asksQEMU: true)
      #expect(problems.isEmpty, "\(problems)")
    }
    #expect(killed > 0)
  }
}
