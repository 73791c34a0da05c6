import SystemPackage
import TestSupport
import Testing

/// Compression options that make no sense end with exit code 64 and without an output.
@Suite struct CompressionUsageTests {
  let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try RawImage.write(RawImage.noise(count: 20_000, seed: 92), to: workspace.input)
  }

  private func expectUsageError(
    _ options: [String], naming words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try workspace.run(options)
    #expect(result.exitCode == 64, "\(result)", sourceLocation: sourceLocation)
    #expect(result.output == "", sourceLocation: sourceLocation)
    for word in words {
      #expect(result.errors.contains(word), "\(word): \(result)", sourceLocation: sourceLocation)
    }
    #expect(try workspace.outputNames() == [], sourceLocation: sourceLocation)
  }

  @Test(
    "A type or a level without -c is refused",
    arguments: [
      ["--compression-level", "3"], ["--compression-type", "zlib"], ["--compression-type=zstd"],
      ["--compression-type", "zstd", "--compression-level", "3"],
    ])
  func typeOrLevelWithoutCIsRefused(options: [String]) throws {
    try expectUsageError(options, naming: "--compress", "-c")
  }

  @Test(
    "A level that zlib has not is refused with the range", arguments: ["0", "10", "-1", "99999"])
  func levelThatZlibHasNotIsRefusedWithRange(level: String) throws {
    let option = "--compression-level=\(level)"
    try expectUsageError(["-c", option], naming: "zlib", level, "1 to 9")
    try expectUsageError(
      ["-c", "--compression-type", "zlib", option], naming: "zlib", level, "1 to 9")
  }

  @Test(
    "A level that zstd has not is refused with the range", arguments: ["0", "23", "-1", "99999"])
  func levelThatZstdHasNotIsRefusedWithRange(level: String) throws {
    try expectUsageError(
      ["-c", "--compression-type", "zstd", "--compression-level=\(level)"],
      naming: "zstd", level, "1 to 22")
  }

  @Test(
    "A level that is no number is refused", arguments: ["x", "", "1.5", "99999999999999999999"])
  func levelThatIsNoNumberIsRefused(level: String) throws {
    try expectUsageError(["-c", "--compression-level=\(level)"], naming: "compression-level")
  }

  @Test(
    "An unknown type is refused with those there are", arguments: ["lzma", "ZLIB", "", "zlib "])
  func unknownTypeIsRefusedWithThoseThere(type: String) throws {
    try expectUsageError(
      ["-c", "--compression-type=\(type)"], naming: "compression-type", "zlib", "zstd")
  }

  @Test("Help names the options")
  func helpNamesOptions() throws {
    let help = try Command.qdedup(["convert", "--help"]).run().expectingExit(0).output
    for option in ["-c, --compress", "--compression-type", "--compression-level"] {
      #expect(help.contains(option), "\(option)")
    }
  }
}
