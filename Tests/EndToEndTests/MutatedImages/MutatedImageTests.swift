import Foundation
import SystemPackage
import TestSupport
import Testing

/// Images with damaged headers and tables: each gives a sound output or one message, and never
/// takes more memory than an image may.
///
/// The environment variable `QDEDUP_MUTATED_IMAGES` asks for more of them, and for the outcomes.
@Suite struct MutatedImageTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private static let wanted = ProcessInfo.processInfo.environment["QDEDUP_MUTATED_IMAGES"]
  private static let count = UInt64(wanted ?? "") ?? 96
  private static let mostMemory = 256 << 20

  @Test("A mutated image is converted or refused", arguments: MutationBase.all)
  func isConvertedOrRefused(_ base: MutationBase) throws {
    let sound = try base.make(in: workspace.folder)
    var (conversions, descriptions) = (MutationOutcomes(), MutationOutcomes())
    var checks = MutationOutcomes()
    for seed in 1...max(1, Self.count / UInt64(MutationBase.all.count)) {
      try RawImage.write(ImageMutation.of(sound, seed: seed), to: workspace.input)
      let about = "\(base.name), seed \(seed)"
      let options = ["--no-sync"] + base.options(seed: seed)
      let result = try run(["convert"] + options, [workspace.output.string], &conversions)
      expectSuccessOrMessage(result, about)
      let left = result.exitCode == 0 ? ["out.qcow2"] : []
      #expect(try workspace.outputNames() == left, "\(about)")
      if result.exitCode == 0 {
        let check = try QemuImage(workspace.output).check()
        #expect(check.exitCode == 0, "\(about): \(check)")
        if base.options(seed: seed).isEmpty { try expectQemuReadsNothingElse(about) }
      }
      expectSuccessOrMessage(try run(["info"], [], &descriptions), about)
      let check = try run(["check", "--data"], [], &checks)
      #expect([0, 1, 2, 3, 63].contains(check.exitCode), "\(about): \(check)")
      #expect(check.peakMemory <= Self.mostMemory, "\(about): \(check)")
      try Command("rm", ["-f", workspace.output.string]).run().expectingExit(0)
    }
    if Self.wanted != nil {
      print("\(base.name): convert \(conversions); info \(descriptions); check \(checks)")
    }
  }

  /// Expects the content that QEMU reads from the mutated image, if it reads that at all.
  private func expectQemuReadsNothingElse(_ about: String) throws {
    let comparison = try QemuImage.run(
      ["compare", "-f", "qcow2", "-F", "qcow2", workspace.input.string, workspace.output.string])
    #expect(comparison.exitCode != 1, "\(about): \(comparison)")
  }

  /// Runs the program on the mutated image, watched.
  private func run(
    _ arguments: [String], _ more: [String], _ outcomes: inout MutationOutcomes
  ) throws -> CommandResult {
    var command = try Command.qdedup(arguments + [workspace.input.string] + more)
    command.watchesMemory = true
    let clock = ContinuousClock()
    let start = clock.now
    let result = try command.run()
    outcomes.add(result, took: clock.now - start)
    return result
  }

  private func expectSuccessOrMessage(_ result: CommandResult, _ about: String) {
    #expect(result.exitCode == 0 || result.exitCode == 1, "\(about): \(result)")
    #expect(result.exitCode != 1 || !result.errors.isEmpty, "\(about): \(result)")
    #expect(result.peakMemory <= Self.mostMemory, "\(about): \(result)")
  }
}
