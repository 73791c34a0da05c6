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

  @Test("An unknown option is named")
  func unknownOptionIsNamed() throws {
    try expectUsageError(try workspace.run(["--squeeze"]), naming: "--squeeze")
  }

  @Test("A missing output is asked for")
  func missingOutputIsAskedFor() throws {
    let result = try Command.qdedup(["convert", workspace.input.string]).run()
    try expectUsageError(result, naming: "output")
  }

  @Test("One argument too many is refused")
  func oneArgumentTooManyIsRefused() throws {
    let result = try workspace.conversion(["surplus"]).run()
    try expectUsageError(result, naming: workspace.output.string)
  }

  @Test(
    "A bad cluster size is refused with the range",
    arguments: [
      "256", "3K", "4M", "0", "-4096", "abc", "4KK", "", "99999999999999999999", "513", "4KB",
      "4Ki",
    ])
  func badClusterSizeIsRefusedWithRange(size: String) throws {
    // Of an empty value the parser makes the word after it.
    let wrong = size.isEmpty ? "is invalid" : "'\(size)' is invalid"
    for option in [["--cluster-size=\(size)"], ["--cluster-size", size]] {
      try expectUsageError(
        try workspace.run(option), naming: wrong, "cluster-size", "512 to 2M")
    }
  }

  @Test(
    "A bad amount of memory is refused with the range",
    arguments: [
      "0", "1K", "1M1", "255K", "262143", "1025G", "-64M", "64MB", "M", "", "99999999999G",
      "99999999999999999999",
    ])
  func badAmountOfMemoryIsRefusedWithRange(size: String) throws {
    // Of an empty value the parser makes the word after it.
    let wrong = size.isEmpty ? "is invalid" : "'\(size)' is invalid"
    for option in [["--index-memory=\(size)"], ["--index-memory", size]] {
      try expectUsageError(
        try workspace.run(option), naming: wrong, "index-memory", "256K to 1024G")
    }
  }

  @Test(
    "A unit that may be of 1000 or 1024 is refused with those that are taken",
    arguments: ["64KB", "1mb", "1Gb", "1TB"])
  func unitThatMayBeOf1000Or1024IsRefusedWithThose(
    size: String
  ) throws {
    let unit = size.suffix(2).uppercased()
    try expectUsageError(
      try workspace.run(["--index-memory", size]), naming: "\(unit) may mean 1000 or 1024",
      "KiB, MiB, GiB, TiB", "such as \(size.dropLast(2))\(unit.prefix(1))")
  }

  @Test(
    "Sizes are taken with and without a unit",
    arguments: ["65536", "64K", "64k", "64KiB", "64kib"], ["1073741824", "1g", "1GIB", "1024m"])
  func sizesAreTakenWithAndWithoutUnit(cluster: String, memory: String) throws {
    let report = try workspace.convert(["--cluster-size", cluster, "--index-memory", memory])
    #expect(report.output.clusterSize == 65_536)
    #expect(report.hashStore.indexMemory == 1 << 30)
  }

  @Test("A TiB is 1024 GiB")
  func tibIs1024GiB() throws {
    let report = try workspace.convert(["--index-memory", "1TiB"])
    #expect(report.hashStore.indexMemory == 1 << 40)
  }

  @Test("A bad order is refused with the range", arguments: ["0", "32", "-1", "x"])
  func badOrderIsRefusedWithRange(order: String) throws {
    for option in [["--log-store-order=\(order)"], ["--log-store-order", order]] {
      try expectUsageError(
        try workspace.run(option), naming: "'\(order)' is invalid", "log-store-order", "1 to 31")
    }
  }

  @Test(
    "A bad number is refused with the range of its option",
    arguments: [
      ("--max-incarnations", "-1", "1 to 4294967295"), ("--max-incarnations", "x", "4294967295"),
      ("--max-incarnations", "4294967296", "4294967295"), ("--threads", "0", "1 to 256"),
      ("--threads", "-2", "1 to 256"), ("--threads", "257", "1 to 256"),
    ])
  func badNumberIsRefusedWithRangeOfItsOption(
    option: String, value: String, range: String
  ) throws {
    for words in [["\(option)=\(value)"], [option, value]] {
      try expectUsageError(
        try workspace.run(words), naming: "'\(value)' is invalid for '\(option)", range)
    }
  }

  @Test("Empty names are refused")
  func emptyNamesAreRefused() throws {
    try expectUsageError(
      try workspace.run(["--report-file", ""]), naming: "--report-file", "empty")
    let empty = try Command.qdedup(["convert", workspace.input.string, ""]).run()
    try expectUsageError(empty, naming: "empty")
    try expectUsageError(try workspace.run(from: ""), naming: "empty")
  }

  @Test(
    "A URL is refused as what it is",
    arguments: ["nbd://host/disk", "https://host/disk.img", "file:///disk.img"])
  func urlIsRefusedAsWhatItIs(url: String) throws {
    try expectUsageError(try workspace.run(from: url), naming: "URLs are not read", url)
    for command in ["info", "check"] {
      try expectUsageError(
        try Command.qdedup([command, url]).run(), naming: "URLs are not read", url)
    }
    let result = try Command.qdedup(["convert", workspace.input.string, url]).run()
    try expectUsageError(result, naming: "URL", "OUTPUT")
  }

  @Test(
    "A pipe is no image to look at, and the message says what to do", arguments: ["info", "check"])
  func pipeIsNoImageToLook(command: String) throws {
    try expectUsageError(
      try Command.qdedup([command, "-"]).run(), naming: "save it to a file first")
  }

  @Test(
    "An unknown choice is refused with those there are",
    arguments: ["--report=xml", "--progress=sometimes", "--format=vmdk"])
  func unknownChoiceIsRefusedWithThoseThere(option: String) throws {
    let known = ["--report=xml": "json", "--progress=sometimes": "never", "--format=vmdk": "raw"]
    try expectUsageError(try workspace.run([option]), naming: try #require(known[option]))
  }

  @Test(
    "Help and version come on standard output",
    arguments: [["--help"], ["convert", "--help"], ["--version"]])
  func helpAndVersionComeOnStandardOutput(arguments: [String]) throws {
    let result = try Command.qdedup(arguments).run().expectingExit(0)
    #expect(result.output.isEmpty == false)
    #expect(result.errors == "")
  }

  @Test("Help names every option")
  func helpNamesEveryOption() throws {
    let help = try Command.qdedup(["convert", "--help"]).run().expectingExit(0).output
    for option in [
      "--format", "--cluster-size", "--max-incarnations", "--log-store-order", "--index-memory",
      "--hash-store", "--no-hash-store",
      "--verify", "--threads", "--report", "--report-file", "--progress", "--force", "--quiet",
      "--force-share", "--no-sync",
    ] {
      #expect(help.contains(option), "\(option)")
    }
  }

  @Test("--no-sync changes nothing but the waiting")
  func noSyncChangesNothingButWaiting() throws {
    try workspace.convert(["--no-sync"])
    try expectSound(workspace.output, equals: workspace.input)
    let synced = workspace.folder.file("synced.qcow2")
    try workspace.convert(to: synced)
    #expect(try RawImage.read(synced) == RawImage.read(workspace.output))
  }
}
