import SystemPackage
import TestSupport
import Testing

/// Images whose data is in a file of its own.
@Suite struct QCOW2InputDataFileTests {
  static let permission = ["--allow-external-files"]
  let workspace: Workspace
  var output: FilePath { workspace.output }
  var image: FilePath { workspace.folder.file("image.qcow2") }
  var data: FilePath { workspace.folder.file("image.data") }

  init() throws { workspace = try Workspace() }

  /// Makes an image with guest writes in it; QEMU takes the file's name from the current folder.
  private func makeImage(_ options: String, name: String? = nil) throws -> QemuImage {
    let made = try QemuImage.creating(
      image, size: 2 << 20, options: "data_file=\(name ?? data.string)\(options)")
    try made.performAll(GuestWrites.random(count: 60, size: 2 << 20, seed: 341))
    return made
  }

  @Test(
    "Data in a file of its own is read right, with permission",
    arguments: [
      "", ",data_file_raw=on", ",cluster_size=4K", ",cluster_size=4K,data_file_raw=on",
      ",extended_l2=on", ",extended_l2=on,data_file_raw=on", ",preallocation=metadata",
    ])
  func dataInFileOfItsOwnIsReadRight(options: String) throws {
    let made = try makeImage(options)
    let theirs = workspace.folder.file("theirs.img")
    try made.writeRaw(to: theirs)
    try expectRefusal(
      try workspace.run(from: image.string), naming: image.string, data.string,
      Self.permission[0], leaving: workspace)
    try workspace.convert(Self.permission + ["--verify"], from: image.string)
    try expectSound(output, equals: theirs)
  }

  @Test("A data file that is missing is named")
  func dataFileThatIsMissingIsNamed() throws {
    _ = try makeImage("")
    try Command("rm", [data.string]).run().expectingExit(0)
    try expectRefusal(
      try workspace.run(Self.permission, from: image.string), naming: data.string,
      "no such file", leaving: workspace)
  }

  @Test("A data file that is too short is an error or zeros, never a wrong byte")
  func dataFileThatIsTooShortIsErrorOrZeros() throws {
    let made = try makeImage("")
    try Command("truncate", ["-s", "100K", data.string]).run().expectingExit(0)
    let result = try workspace.run(Self.permission, from: image.string)
    if result.exitCode == 0 {
      let theirs = workspace.folder.file("theirs.img")
      try made.writeRaw(to: theirs)
      try expectSound(output, equals: theirs)
    } else {
      try expectRefusal(result, naming: data.string, leaving: workspace)
    }
  }

  @Test("A data file under a backing file needs permission too")
  func dataFileUnderBackingFileNeedsPermissionToo() throws {
    _ = try makeImage("")
    let overlay = workspace.folder.file("overlay.qcow2")
    let made = try QemuImage.overlay(overlay, over: "image.qcow2", format: "qcow2")
    try made.perform("write -P 5 0 512")
    let theirs = workspace.folder.file("theirs.img")
    try made.writeRaw(to: theirs)
    try workspace.convert(Self.permission, from: overlay.string)
    try expectSound(output, equals: theirs)
  }

  @Test("An overlay with a data file is read right")
  func overlayWithDataFileIsReadRight() throws {
    let base = workspace.folder.file("base.img")
    try RawImage.write(RawImage.noise(count: 2 << 20, seed: 342), to: base)
    let made = try QemuImage.overlay(
      image, over: "base.img", format: "raw",
      options: "data_file=\(data.string),cluster_size=4K")
    try made.performAll(GuestWrites.random(count: 60, size: 2 << 20, seed: 343))
    let theirs = workspace.folder.file("theirs.img")
    try made.writeRaw(to: theirs)
    try workspace.convert(Self.permission, from: image.string)
    try expectSound(output, equals: theirs)
  }
}
