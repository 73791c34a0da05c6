import SystemPackage
import TestSupport
import Testing

/// Mistakes on the command line: exit code 64, a message, and nothing done.
@Suite struct UsageTests {
  let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try RawImage.write(RawImage.noise(count: 20_000, seed: 91), to: workspace.input)
  }

  private func expectUsageError(
    _ result: CommandResult, naming words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(result.exitCode == 64, "\(result)", sourceLocation: sourceLocation)
    #expect(result.output == "", sourceLocation: sourceLocation)
    for word in words {
      #expect(result.errors.contains(word), "\(word): \(result)", sourceLocation: sourceLocation)
    }
    #expect(try workspace.outputNames() == [], sourceLocation: sourceLocation)
  }

  @Test func `an unknown option is named`() throws {
    try expectUsageError(try workspace.run(["--squeeze"]), naming: "--squeeze")
  }

  @Test func `a missing output is asked for`() throws {
    let result = try Workspace.qdedup(["convert", workspace.input.string]).run()
    try expectUsageError(result, naming: "output")
  }

  @Test func `one argument too many is refused`() throws {
    let result = try workspace.conversion(["surplus"]).run()
    try expectUsageError(result, naming: workspace.output.string)
  }

  @Test(arguments: [
    "256", "3K", "4M", "0", "-4096", "abc", "4KK", "", "99999999999999999999", "513",
  ])
  func `a bad cluster size is refused with the range`(size: String) throws {
    let result = try workspace.run(["--cluster-size=\(size)"])
    try expectUsageError(result, naming: "cluster-size", "512", "2M")
  }

  @Test(arguments: [
    "0", "1K", "1M1", "255K", "262143", "1025G", "-64M", "64MB", "M", "", "99999999999G",
    "99999999999999999999",
  ])
  func `a bad amount of memory is refused with the range`(size: String) throws {
    let result = try workspace.run(["--index-memory=\(size)"])
    try expectUsageError(result, naming: "index-memory", "256K", "1024G")
  }

  @Test(arguments: ["0", "32", "-1", "x"])
  func `a bad order is refused with the range`(order: String) throws {
    let result = try workspace.run(["--log-store-order=\(order)"])
    try expectUsageError(result, naming: "log-store-order", "1", "31")
  }

  @Test(arguments: ["--max-incarnations=-1", "--max-incarnations=x", "--threads=0", "--threads=-2"])
  func `a bad number is refused with the name of its option`(option: String) throws {
    let name = String(option.prefix { $0 != "=" }.dropFirst(2))
    try expectUsageError(try workspace.run([option]), naming: name)
  }

  @Test(arguments: ["--report=xml", "--progress=sometimes", "--format=vmdk"])
  func `an unknown choice is refused with those there are`(option: String) throws {
    let known = ["--report=xml": "json", "--progress=sometimes": "never", "--format=vmdk": "raw"]
    try expectUsageError(try workspace.run([option]), naming: try #require(known[option]))
  }

  @Test(arguments: [["--help"], ["convert", "--help"], ["--version"]])
  func `help and version come on standard output`(arguments: [String]) throws {
    let result = try Workspace.qdedup(arguments).run().expectingExit(0)
    #expect(result.output.isEmpty == false)
    #expect(result.errors == "")
  }

  @Test func `help names every option`() throws {
    let help = try Workspace.qdedup(["convert", "--help"]).run().expectingExit(0).output
    for option in [
      "--format", "--cluster-size", "--max-incarnations", "--log-store-order", "--index-memory",
      "--no-hash-store",
      "--verify", "--threads", "--report", "--report-file", "--progress", "--force", "--quiet",
      "--force-share", "--no-sync",
    ] {
      #expect(help.contains(option), "\(option)")
    }
  }

  @Test func `no-sync changes nothing but the waiting`() throws {
    try workspace.convert(["--no-sync"])
    try expectSound(workspace.output, equals: workspace.input)
    let synced = workspace.folder.file("synced.qcow2")
    try workspace.convert(to: synced)
    #expect(try RawImage.read(synced) == RawImage.read(workspace.output))
  }
}
