import SystemPackage
import TestSupport

/// A folder with the input and the output of one conversion. The output has a folder of its own,
/// so that a test sees everything that a conversion leaves beside it.
struct Workspace {
  let folder: TemporaryDirectory
  let input: FilePath
  let outputFolder: FilePath
  let output: FilePath

  init() throws {
    folder = try TemporaryDirectory()
    input = folder.file("in.img")
    outputFolder = try folder.makeDirectory("output")
    output = outputFolder.appending("out.qcow2")
  }

  /// `qdedup convert` from `input` to `output`, or to another place.
  func conversion(
    _ options: [String] = [], from source: String? = nil, to target: FilePath? = nil
  ) throws -> Command {
    try Command.qdedup(
      ["convert"] + options + [source ?? input.string, (target ?? output).string])
  }

  /// Runs a conversion, whatever comes of it.
  func run(
    _ options: [String] = [], from source: String? = nil, to target: FilePath? = nil
  ) throws -> CommandResult {
    try conversion(options, from: source, to: target).run()
  }

  /// Runs a conversion that must succeed, and decodes its report.
  @discardableResult
  func convert(
    _ options: [String] = [], from source: String? = nil, to target: FilePath? = nil,
    reading: CommandInput = .nothing
  ) throws -> Report {
    var command = try conversion(["--report", "json"] + options, from: source, to: target)
    command.input = reading
    return try Report(json: try command.run().expectingExit(0).standardOutput)
  }

  /// What is in the output's folder.
  func outputNames() throws -> [String] {
    try TemporaryDirectory.names(in: outputFolder)
  }
}
