import SystemPackage
import TestSupport
import Testing

/// `qdedup check` beside `qemu-img check`. `QDEDUP_CHECK_TRIALS=200` tries more.
@Suite struct CheckAgreementTests {
  let workspace: Workspace
  var output: FilePath { workspace.output }

  init() throws { workspace = try Workspace() }

  /// The fixtures that QEMU does not check, because it needs another file or a key for it.
  private static let onlyOurs: Set<String> = [
    "backing-itself.qcow2", "backing-json.qcow2", "backing-loop-other.qcow2",
    "backing-loop.qcow2", "backing-missing.qcow2", "backing-network.qcow2",
    "backing-vmdk.qcow2", "encrypted-aes.qcow2",
  ]

  @Test("Every fixture gives the counts of QEMU")
  func everyFixtureGivesCountsOfQEMU() throws {
    let folder = workspace.folder.path
    try Fixtures.unpack(try Fixtures.names(), into: folder)
    var reports: [FilePath] = []
    var compared = 0
    var kinds: Set<[String]> = []
    for name in try Fixtures.names() where name.hasSuffix(".qcow2") {
      let image = folder.appending(name)
      let outcome: CheckOutcome
      if Self.onlyOurs.contains(name) {
        outcome = try CheckOutcome.ours(image)
        #expect(outcome.exitCode == 0, "\(name)")
      } else {
        outcome = try expectAgreement(on: image, name)
        compared += 1
      }
      // One report of each kind keeps to the schema.
      guard let found = outcome.report,
        kinds.insert([found.result] + found.notes + found.findings.map(\.message)).inserted
      else { continue }
      let json = try Command.qdedup(["check", "--json", "--data", image.string]).run()
      reports.append(workspace.folder.file("\(name).json"))
      try RawImage.write(json.standardOutput, to: reports[reports.count - 1])
    }
    try expectValid(reports, schema: "CheckSchema.json")
    #expect(compared > 100 && kinds.count > 10)
  }

  @Test("An output gives the counts of QEMU", arguments: RandomConversion.seeds(10))
  func outputGivesCountsOfQEMU(seed: UInt64) throws {
    var conversion = RandomConversion(seed: 1000 + seed)
    let options = try conversion.run(in: workspace)
    let outcome = try expectAgreement(on: output, "\(options)")
    #expect(outcome.exitCode == 0)
    let data = try CheckOutcome.ours(output, ["--data"])
    #expect(data.exitCode == 0, "\(options): \(data)")
    if let store = data.report?.hashStore {
      #expect(store.state == "valid" && store.entries == store.comparedClusters, "\(options)")
      #expect(store.lookups == store.entries, "\(options)")
    }
    #expect(options.contains("--no-hash-store") == (data.report?.hashStore == nil), "\(options)")
  }

  @Test("A damaged output gives the counts of QEMU", arguments: RandomConversion.seeds(25))
  func damagedOutputGivesCountsOfQEMU(seed: UInt64) throws {
    var conversion = RandomConversion(seed: 2000 + seed)
    let options = try conversion.run(in: workspace)
    let damage = try conversion.damage(output)
    try expectAgreement(on: output, "\(options), \(damage)")
  }

  @Test("A damaged image of QEMU with snapshots and bitmaps", arguments: RandomConversion.seeds(15))
  func damagedImageOfQEMUWithSnapshotsAndBitmaps(seed: UInt64) throws {
    var random = SplitMix64(seed: 3000 + seed)
    let variants = [
      "cluster_size=512", "compat=0.10,cluster_size=4K", "extended_l2=on,cluster_size=16K",
      "cluster_size=4K,refcount_bits=2", "cluster_size=512,refcount_bits=4",
      "cluster_size=4K,refcount_bits=8", "cluster_size=4K,refcount_bits=64",
      "cluster_size=4K,lazy_refcounts=on",
    ]
    let variant = variants.randomElement(using: &random)!
    try QemuImage.run(
      ["create", "-q", "-f", "qcow2", "-o", variant, output.string, "3M"]
    ).expectingExit(0)
    let image = QemuImage(output)
    for round in 0..<4 {
      let offset = UInt64.random(in: 0..<6000, using: &random) * 512
      try image.perform("write -P \(round + 1) \(offset) 30K", "write -z \(offset / 2) 70K")
      if round == 1 {
        try QemuImage.run(["snapshot", "-c", "one", output.string]).expectingExit(0)
      }
      if round == 2, !variant.contains("compat") {
        try QemuImage.run(["bitmap", "--add", "-g", "512", output.string, "b"]).expectingExit(0)
      }
    }
    #expect(try expectAgreement(on: output, variant).exitCode == 0)
    var conversion = RandomConversion(seed: 4000 + seed)
    try expectAgreement(on: output, "\(variant), \(try conversion.damage(output))")
  }
}
