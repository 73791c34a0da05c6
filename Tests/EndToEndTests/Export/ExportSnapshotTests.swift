import SystemPackage
import TestSupport
import Testing

/// `qdedup export -l`: a snapshot has the size that the disk had.
@Suite("Export of snapshots") struct ExportSnapshotTests {
  let workspace: Workspace
  var image: FilePath { workspace.folder.file("image.qcow2") }

  init() throws { workspace = try Workspace() }

  /// An image whose snapshot is larger or smaller than its disk is now.
  private func makeImage(snapshot size: Int, now: UInt64) throws -> QemuImage {
    let made = try QemuImage.creating(image, size: size, options: "cluster_size=4K")
    try made.perform("write -P 5 0 1M", "write -P 6 \(size - 4096) 4096")
    try made.takeSnapshot("old")
    let shrinking = Int(now) < size ? ["--shrink"] : []
    // QEMU resizes an image with snapshots since 5.1.
    try QemuImage.run(["resize", "-f", "qcow2"] + shrinking + [image.string, "\(now)"])
      .expectingExit(0)
    try made.perform("write -P 7 0 64k")
    return made
  }

  @Test("A snapshot larger than the disk is exported whole, where qemu-img cuts it")
  func larger() throws {
    let made = try makeImage(snapshot: 3 << 20, now: 1 << 20)
    try workspace.export(["--verify", "-l", "old"], image)
    let theirs = workspace.folder.file("theirs.img")
    try made.writeRaw(to: theirs, snapshot: "old")
    #expect(try RawImage.read(workspace.disk) == RawImage.read(theirs))
    #expect(try RawImage.size(of: workspace.disk) == 3 << 20)
    let cut = workspace.folder.file("cut.img")
    try QemuImage.run(["convert", "-l", "old", "-O", "raw", image.string, cut.string])
      .expectingExit(0)
    #expect(
      try RawImage.size(of: cut) == 1 << 20, "qemu-img takes the size of the disk as it is now")
  }

  @Test("A snapshot smaller than the disk ends where it did, by id too", arguments: ["old", "1"])
  func smaller(name: String) throws {
    let made = try makeImage(snapshot: 1 << 20, now: 5 << 20)
    let report = try workspace.export(["-l", name], image)
    let theirs = workspace.folder.file("theirs.img")
    try made.writeRaw(to: theirs, snapshot: "old")
    #expect(report.bytes.total == 1 << 20)
    #expect(try RawImage.read(workspace.disk) == RawImage.read(theirs))
    try workspace.export(["--force"], image)
    try made.writeRaw(to: theirs)
    #expect(try RawImage.read(workspace.disk) == RawImage.read(theirs))
  }

  @Test("A snapshot that is not there is refused")
  func missing() throws {
    _ = try makeImage(snapshot: 1 << 20, now: 1 << 20)
    try expectRefusal(
      try workspace.exportCommand(["-l", "new"], image).run(), naming: image.string, "snapshot",
      "new", leaving: workspace)
  }
}
