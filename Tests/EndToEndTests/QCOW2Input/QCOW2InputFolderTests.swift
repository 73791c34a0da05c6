import SystemPackage
import TestSupport
import Testing

/// Data files by relative names, which QEMU takes from the folder in which it was started.
@Suite struct QCOW2InputFolderTests {
  let workspace: Workspace
  let image: FilePath

  init() throws {
    workspace = try Workspace()
    let folder = try workspace.folder.makeDirectory("images")
    image = folder.appending("image.qcow2")
    let create = ["create", "-q", "-f", "qcow2", "-o", "data_file=disk.data", image.string, "1M"]
    try Self.running(Command("qemu-img", create), in: folder).run().expectingExit(0)
    let write = ["-f", "qcow2", "-c", "write -P 7 4096 9000", image.string]
    try Self.running(Command("qemu-io", write), in: folder).run().expectingExit(0)
  }

  /// The command, run in a folder.
  private static func running(_ command: Command, in folder: FilePath) -> Command {
    .shell(
      "cd \"$1\" && shift && exec \"$@\"", [folder.string, command.program] + command.arguments)
  }

  private func convert(in folder: FilePath) throws -> CommandResult {
    let command = try workspace.conversion(["--allow-external-files"], from: image.string)
    return try Self.running(command, in: folder).run()
  }

  private func expectRight() throws {
    var expected = [UInt8](repeating: 0, count: 1 << 20)
    expected.replaceSubrange(4096..<13_096, with: repeatElement(7, count: 9000))
    try RawImage.write(expected, to: workspace.input)
    try expectSound(workspace.output, equals: workspace.input)
  }

  @Test("A data file beside the image is found from any folder")
  func besideImage() throws {
    try convert(in: workspace.folder.path).expectingExit(0)
    try expectRight()
  }

  @Test("A data file in the working folder is taken, as QEMU does")
  func inWorkingFolder() throws {
    let data = image.removingLastComponent().appending("disk.data")
    try Command("mv", [data.string, workspace.folder.path.string]).run().expectingExit(0)
    try convert(in: workspace.folder.path).expectingExit(0)
    try expectRight()
  }

  @Test("A data file in both folders is refused rather than guessed")
  func inBoth() throws {
    try RawImage.write(
      [UInt8](repeating: 9, count: 1 << 20), to: workspace.folder.file("disk.data"))
    let result = try convert(in: workspace.folder.path)
    try expectRefusal(
      result, naming: image.string, "images/disk.data", "there is also disk.data",
      leaving: workspace)
    try convert(in: image.removingLastComponent()).expectingExit(0)
    try expectRight()
  }
}
