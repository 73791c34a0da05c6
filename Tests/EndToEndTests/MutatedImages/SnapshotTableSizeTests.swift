import SystemPackage
import TestSupport
import Testing

/// Snapshot tables as large as they may be, of names that take the most room on a terminal.
@Suite struct SnapshotTableSizeTests {
  let workspace: Workspace
  var image: FilePath { workspace.folder.file("image.qcow2") }

  init() throws { workspace = try Workspace() }

  @Test(
    "The largest tables are shown within 256 MiB", arguments: [[], ["--json"]],
    [(65_536, 255), (511, 65_535)] as [(UInt32, UInt16)])
  func largestTablesAreShownWithin256MiB(
    options: [String], table: (snapshots: UInt32, nameLength: UInt16)
  ) throws {
    try makeImage(snapshots: table.snapshots, nameLength: table.nameLength)
    let result = try info(options)
    #expect(result.exitCode == 0 && result.errors.isEmpty)
    #expect(result.output.contains("id") && result.standardOutput.count < 8 << 20)
    #expect(result.peakMemory <= 256 << 20, "\(result.peakMemory) bytes")
  }

  private func info(_ options: [String]) throws -> CommandResult {
    var command = try Command.qdedup(["info"] + options + [image.string])
    command.watchesMemory = true
    return try command.run()
  }

  /// Makes an image with snapshots whose ids and names are zero bytes, which stand in holes.
  private func makeImage(snapshots: UInt32, nameLength: UInt16) throws {
    var bytes = try RawImage.read(try QemuImage.creating(image, size: 1 << 20).path)
    let l1 = Array(bytes[40..<48])
    bytes += [UInt8](repeating: 0, count: max(0, 1 << 16 - bytes.count))
    var (offset, islands) = (Int64(bytes.count), [Int64: [UInt8]]())
    bytes.replaceSubrange(60..<72, with: bigEndian(snapshots) + bigEndian(UInt64(offset)))
    islands[0] = bytes
    let lengths = bigEndian(nameLength) + bigEndian(nameLength)
    for _ in 0..<snapshots {
      islands[offset] = l1 + bigEndian(1 as UInt32) + lengths
      offset = (offset + 40 + 2 * Int64(nameLength) + 7) & ~7
    }
    try RawImage.sparse(at: image, size: offset, islands: islands)
  }

  private func bigEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
  }
}
