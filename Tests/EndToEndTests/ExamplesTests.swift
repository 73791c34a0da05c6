import Foundation
import SystemPackage
import TestSupport
import Testing

/// The scripts and jobs in examples/ do what their comments say.
@Suite struct ExamplesTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private static let examples: FilePath = {
    var root = FilePath(#filePath)
    for _ in 0..<3 { root.removeLastComponent() }
    return root.appending("examples")
  }()

  /// A script of the examples, in the workspace's folder, with this program as `qdedup`.
  private func script(_ name: String, _ arguments: [String]) throws -> Command {
    let program = Self.examples.pushing(FilePath(name)).string
    var command = Command.shell(
      "cd \"$1\" && shift && exec \"$@\"", [workspace.folder.path.string, program] + arguments)
    command.environment["PATH"] =
      try BuiltProgram.qdedup().removingLastComponent().string + ":/usr/local/bin:/usr/bin:/bin"
    return command
  }

  private func versions(_ file: FilePath) throws -> [String] {
    struct List: Decodable {
      struct Version: Decodable { let name: String }
      let versions: [Version]
    }
    let json = try Command.qdedup(["versions", "--json", file.string]).run().expectingExit(0)
    return try JSONDecoder().decode(List.self, from: Data(json.standardOutput)).versions.map(\.name)
  }

  @Test("Nights are kept, one that breaks a rule is not, and old ones go")
  func nights() throws {
    let file = workspace.folder.file("nights.qcow2")
    @discardableResult
    func night(_ number: Int, _ options: String..., exit: CInt) throws -> CommandResult {
      let image = workspace.folder.file("disk-\(number).img")
      if FileManager.default.fileExists(atPath: image.string) == false {
        try Ext4Image.make(at: image, mebibytes: 16, seed: UInt64(number))
      }
      return try script(
        "golden-image/nightly",
        ["--name", "night-\(number)", "--keep", "2"] + options
          + [image.string, file.string]
      ).run().expectingExit(exit)
    }
    func expectBoots(_ number: Int) throws {
      let image = workspace.folder.file("disk-\(number).img")
      try QemuImage(file).check().expectingExit(0)
      try QemuImage.run(["compare", image.string, file.string]).expectingExit(0)
    }
    // A first night that breaks a rule leaves nothing but its report.
    let refused = try night(0, "--rule", "ratios.dedup<1000", exit: 2)
    #expect(refused.errors.contains("night-0 broke a rule"))
    #expect(try !workspace.folder.names().contains { $0.hasPrefix("nights.qcow2") })

    try night(1, exit: 0)
    #expect(try versions(file) == ["night-1"])
    try night(2, "--rule", "output.file_size>1K", exit: 2)
    #expect(try versions(file) == ["night-1"])
    try expectBoots(1)
    try night(3, "--rule", "output.file_size>1G", exit: 0)
    #expect(try versions(file) == ["night-1", "night-3"])
    try expectBoots(3)
    try night(4, exit: 0)
    #expect(try versions(file) == ["night-3", "night-4"])
    try expectBoots(4)

    let reports = workspace.folder.file("reports")
    let names = try TemporaryDirectory.names(in: reports)
    for number in 0...4 {
      #expect(names.contains("night-\(number).json") && names.contains("night-\(number).md"))
    }
    let summary = String(
      decoding: try RawImage.read(reports.appending("night-4.md")), as: UTF8.self)
    #expect(
      summary.contains("Compared with reports/last.json")
        && summary.contains("| output.file_size |"))
    #expect(try night(4, exit: 1).errors.contains("night-4"))
  }

  @Test("A folder of images is converted once, and a second call does what failed")
  func fleet() throws {
    let images = try workspace.folder.makeDirectory("images")
    for number in 1...3 as ClosedRange<UInt64> {
      try RawImage.write(
        RawImage.mixture(clusters: 300, size: 4096, kinds: 40, seed: number),
        to: images.appending("disk-\(number).img"))
    }
    try RawImage.write([0x51, 0x46, 0x49, 0xFB], to: images.appending("broken.qcow2"))
    let output = workspace.folder.file("made")
    let arguments = ["images", "made", "--no-sync"]
    try script("fleet/convert-all", arguments).run().expectingExit(1)
    #expect(
      try TemporaryDirectory.names(in: output) == [
        "disk-1.json", "disk-1.qcow2", "disk-2.json", "disk-2.qcow2", "disk-3.json",
        "disk-3.qcow2", "jobs.log",
      ])
    for number in 1...3 {
      try expectSound(
        output.appending("disk-\(number).qcow2"), equals: images.appending("disk-\(number).img"))
    }
    // The broken one is repaired: only it is converted now.
    try QemuImage.run(["create", "-f", "qcow2", images.appending("broken.qcow2").string, "1M"])
      .expectingExit(0)
    let second = try script("fleet/convert-all", arguments).run().expectingExit(0)
    #expect(second.output == "made/broken.qcow2 is made\n")
    let one = try script("fleet/convert-one", ["images/disk-1.img", "made"]).run()
    #expect(try one.expectingExit(0).output == "made/disk-1.qcow2 is up to date\n")
  }

  @Test("Scripts are clean for shellcheck")
  func scripts() throws {
    let scripts = ["golden-image/nightly", "fleet/convert-one", "fleet/convert-all"].map {
      Self.examples.pushing(FilePath($0)).string
    }
    try Command("shellcheck", scripts).run().expectingExit(0)
  }

  @Test("Jobs keep to the published schemas, as far as these are here, and are sound YAML")
  func jobs() throws {
    for name in ["golden-image/github.yml", "golden-image/gitlab.yml", "fleet/job.yaml"] {
      let path = Self.examples.pushing(FilePath(name)).string
      let script = "import sys, yaml; assert list(yaml.safe_load_all(open(sys.argv[1])))"
      try Command("/usr/bin/python3", ["-c", script, path]).run().expectingExit(0)
    }
    let checker = Self.examples.removingLastComponent().appending(
      ".build/readers/bin/check-jsonschema"
    ).string
    guard FileManager.default.isExecutableFile(atPath: checker) else { return }
    for (schema, name) in [("github-workflows", "github.yml"), ("gitlab-ci", "gitlab.yml")] {
      let path = Self.examples.pushing(FilePath("golden-image/" + name)).string
      try Command(checker, ["--builtin-schema", "vendor." + schema, path]).run().expectingExit(0)
    }
  }
}
