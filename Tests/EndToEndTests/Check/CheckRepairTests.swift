import SystemPackage
import TestSupport
import Testing

/// What `qdedup check` advises repairs the image, by QEMU's own hand, and a guest reads what it read
/// before. `QDEDUP_CHECK_TRIALS=200` tries more.
@Suite struct CheckRepairTests {
  let workspace: Workspace
  var image: FilePath { workspace.output }

  init() throws { workspace = try Workspace() }

  /// The disk as QEMU reads it; nil if it cannot.
  private func content() throws -> [UInt8]? {
    let raw = workspace.folder.file("content.raw")
    let result = try QemuImage.run(
      ["convert", "-f", "qcow2", "-O", "raw", image.string, raw.string])
    return result.exitCode == 0 ? try RawImage.read(raw) : nil
  }

  /// Follows the advice if there is one, and expects what it promises.
  ///
  /// - Returns: What was advised.
  @discardableResult
  private func followAdvice(_ comment: String = "") throws -> String? {
    let outcome = try CheckOutcome.ours(image)
    let text = try Command.qdedup(["check", image.string]).run().output
    guard let repair = outcome.report?.repair else {
      #expect(!text.contains("advice:"))
      return nil
    }
    let before = try content()
    let command = "qemu-img check -r \(repair) \(image)"
    let last = text.split(separator: "\n").last ?? ""
    #expect(last.hasPrefix("advice: run \(command) "), "\(text)")
    try Command.shell(command).run().expectingExit(0)
    let after = try CheckOutcome.ours(image)
    #expect(after.exitCode == 0, "\(comment)\n\(outcome)\n\(after)")
    #expect(after.report?.repair == nil)
    #expect(after.report?.hashStore?.state != "valid")
    #expect(try content() == before, "\(comment)")
    return repair
  }

  private func create(_ commands: String...) throws {
    try QemuImage.run(
      ["create", "-q", "-f", "qcow2", "-o", "cluster_size=4K", image.string, "1M"]
    ).expectingExit(0)
    try QemuImage(image).perform(commands)
  }

  /// Clusters: header, refcount table, refcount block, L1, L2, data.
  private func change(_ body: (inout [UInt8]) -> Void) throws {
    var bytes = try RawImage.read(image)
    body(&bytes)
    try RawImage.write(bytes, to: image)
  }

  @Test("Nothing is advised where nothing is wrong")
  func nothingIsAdvisedWhereNothingIsWrong() throws {
    try create("write -P 1 0 64K")
    #expect(try followAdvice() == nil)
  }

  @Test("Leaks are repaired by the command that is named")
  func leaksAreRepairedByCommandThatIsNamed() throws {
    try create("write -P 1 0 64K", "write -P 2 128K 64K")
    // The L2 entries of 16 clusters.
    try change { for byte in 4 * 4096..<4 * 4096 + 128 { $0[byte] = 0 } }
    #expect(try CheckOutcome.ours(image).exitCode == 3)
    #expect(try followAdvice() == "leaks")
  }

  @Test("Refcounts of clusters in use are repaired as advised", arguments: [0, 2, 7] as [UInt8])
  func refcountsOfClustersInUse(count: UInt8) throws {
    try create("write -P 1 0 64K")
    try change { for cluster in 5..<12 { $0[2 * 4096 + cluster * 2 + 1] = count } }
    #expect(try followAdvice() == "all")
  }

  @Test("Too high a refcount without COPIED is repaired with its flag")
  func tooHighRefcountWithoutCOPIED() throws {
    try create("write -P 1 0 64K")
    try change {
      $0[2 * 4096 + 5 * 2 + 1] = 2
      $0[4 * 4096] &= 0x7F
    }
    #expect(try CheckOutcome.ours(image).exitCode == 3)
    #expect(try followAdvice() == "all")
  }

  @Test("Refcounts are repaired by the command that is named")
  func refcountsAreRepairedByCommandThatIsNamed() throws {
    try create("write -P 1 0 64K")
    try change { for byte in 2 * 4096..<3 * 4096 { $0[byte] = 0 } }
    #expect(try followAdvice() == "all")
  }

  @Test("Refcounts of clusters that a snapshot shares are repaired as advised")
  func refcountsOfClustersThatSnapshotShares() throws {
    try create("write -P 1 0 64K")
    try QemuImage.run(["snapshot", "-c", "one", image.string]).expectingExit(0)
    try QemuImage(image).perform("write -P 2 16K 16K")
    try change { for cluster in 5..<12 { $0[2 * 4096 + cluster * 2 + 1] ^= 3 } }
    #expect(try followAdvice() == "all")
    let old = workspace.folder.file("old.raw")
    try QemuImage(image).writeRaw(to: old, snapshot: "one")
    #expect(try RawImage.read(old)[..<65_536].allSatisfy { $0 == 1 })
  }

  @Test("A refcount that is too low together with other damage is left alone")
  func refcountThatIsTooLowTogetherWithOtherDamage() throws {
    try create("write -P 1 0 64K")
    try change {
      $0[2 * 4096 + 5 * 2 + 1] = 0
      $0[4 * 4096 + 9] = 0x40  // beyond the file's end
    }
    #expect(try CheckOutcome.ours(image).exitCode == 2)
    #expect(try followAdvice() == nil)
  }

  @Test("Flags of an output that a guest has written to are repaired as advised")
  func flagsOfOutputThatGuestHasWritten() throws {
    let mixture = RawImage.mixture(clusters: 300, size: 4096, kinds: 20, seed: 88)
    try RawImage.write(mixture, to: workspace.input)
    try workspace.convert()
    try QemuImage(image).perform((0..<150).map { "write -P 9 \($0 * 8192) 4096" })
    #expect(try CheckOutcome.ours(image).exitCode == 2)
    #expect(try followAdvice() == "all")
  }

  @Test("The store of a repaired output is stale, as the advice says")
  func storeOfMendedOutputIsStale() throws {
    try RawImage.write(RawImage.noise(count: 400_000, seed: 89), to: workspace.input)
    try workspace.convert()
    try change { bytes in
      func number(at offset: Int) -> Int {
        bytes[offset..<offset + 8].reduce(0) { $0 << 8 | Int($1) }
      }
      // The refcount of cluster 5, by the table and its first block.
      bytes[number(at: number(at: 48)) + 5 * 2 + 1] = 3
    }
    let text = try Command.qdedup(["check", image.string]).run().expectingExit(2).output
    #expect(text.hasSuffix("stays as it is; the hash store is stale afterwards\n"), "\(text)")
    #expect(try followAdvice() == "all")
    #expect(try CheckOutcome.ours(image).report?.hashStore?.state == "stale")
  }

  @Test(
    "Damage anywhere is repaired as the advice says, or nothing is advised",
    arguments: RandomConversion.seeds(15))
  func damageAnywhereIsRepairedAsAdviceSays(seed: UInt64) throws {
    var conversion = RandomConversion(seed: 5000 + seed)
    let options = try conversion.run(in: workspace)
    try followAdvice("\(options), \(try conversion.damage(image))")
  }
}
