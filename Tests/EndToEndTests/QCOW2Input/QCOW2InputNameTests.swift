import SystemPackage
import TestSupport
import Testing

/// Names in images that a terminal would obey.
@Suite struct QCOW2InputNameTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  @Test(
    "The name of a backing file reaches the terminal as text",
    arguments: [[], ["--allow-external-files"]])
  func nameOfBackingFileReachesTerminalAsText(options: [String]) throws {
    let image = workspace.folder.file("overlay.qcow2")
    _ = try QemuImage.creating(
      image, size: 65_536, ["-u", "-b", "no\u{1B}[2J\u{9B}1m\u{202E}\nfile", "-F", "raw"])
    let result = try workspace.run(options, from: image.string)
    try expectRefusal(
      result, naming: image.string, "no\\u{1b}[2J\\u{9b}1m\\u{202e}\\u{a}file",
      leaving: workspace)
    let hidden = result.errors.dropLast().unicodeScalars.filter {
      $0.value < 0x20 || $0.value == 0x9B || $0.value == 0x202E
    }
    #expect(hidden.isEmpty, "\(result)")
    #expect(result.errors.last == "\n")
  }
}
