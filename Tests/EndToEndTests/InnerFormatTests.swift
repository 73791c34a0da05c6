import SystemPackage
import TestSupport
import Testing

/// An image is not taken for the file system, partition or container on its disk: no uncompressed
/// guest cluster is in the file where it is on the disk, within the first 4 MiB.
@Suite struct InnerFormatTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private static let clusterSizes = (9...21).map { 1 << $0 }

  @Test(
    "No plain cluster is at its own guest offset, whatever is empty, shared or new",
    arguments: [512, 4096, 65_536], 0...3 as ClosedRange<UInt64>)
  func ownPlaces(clusterSize: Int, seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    // As many empty clusters as there is metadata before the data, or about that; then clusters of
    // few contents, so that duplicates come to lead to their own places.
    let count = min(2000, 5 << 20 / clusterSize)
    var disk = [UInt8](repeating: 0, count: Int(seed) * clusterSize)
    for _ in 0..<count {
      let content = UInt8(1 + random.next() % 250)
      var cluster = [UInt8](repeating: content, count: clusterSize)
      if random.next() % 3 == 0 { cluster[1] = UInt8(random.next() % 256) }
      disk += cluster
    }
    _ = try workspace.folder.make("in.img", disk)
    var outputs: [[UInt8]] = []
    for threads in ["1", "2"] {
      try workspace.convert([
        "--force", "-f", "raw", "--cluster-size", "\(clusterSize)", "--threads", threads,
        "--no-sync",
      ])
      outputs.append(try TemporaryDirectory.content(of: workspace.output))
    }
    #expect(outputs[0] == outputs[1])
    try QemuImage(workspace.output).check().expectingExit(0)
    try QemuImage.run(["compare", workspace.input.string, workspace.output.string])
      .expectingExit(0)
    var walker = try QCOW2Walker(workspace.output)
    try walker.walk()
    #expect(walker.problems == [])
    let own = walker.mappings.filter {
      $0.host == $0.guest * UInt64(clusterSize) && $0.host < 4 << 20
    }
    #expect(own.isEmpty)
  }

  @Test("A Btrfs disk in an image is not seen from outside", arguments: clusterSizes)
  func btrfs(clusterSize: Int) throws {
    try RawImage.sparse(at: workspace.input, size: 120 << 20)
    try run("mkfs.btrfs", ["-q", workspace.input.string])
    try expectQCOW2(clusterSize, inner: "btrfs")
  }

  @Test("An ISO 9660 disk in an image is not seen from outside", arguments: clusterSizes)
  func iso(clusterSize: Int) throws {
    let content = try workspace.folder.makeDirectory("content")
    try RawImage.write([UInt8](repeating: 1, count: 5000), to: content.appending("file"))
    try run(
      "xorriso",
      ["-as", "mkisofs", "-quiet", "-o", workspace.input.string, content.string])
    try expectQCOW2(clusterSize, inner: "iso9660")
  }

  @Test("A LUKS2 container in an image is not seen from outside", arguments: clusterSizes)
  func luks(clusterSize: Int) throws {
    try RawImage.sparse(at: workspace.input, size: 20 << 20)
    let key = try workspace.folder.make("key", Array("a key".utf8))
    try run(
      "cryptsetup",
      [
        "luksFormat", "-q", "--type", "luks2", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations",
        "1000", workspace.input.string, key.string,
      ])
    try expectQCOW2(clusterSize, inner: "crypto_LUKS")
  }

  @Test("A RAID member in an image is not seen from outside", arguments: clusterSizes)
  func raid(clusterSize: Int) throws {
    let disk =
      [UInt8](repeating: 0, count: 4096) + Self.raidSuperblock
      + [UInt8](repeating: 0, count: 1 << 20) + [UInt8](repeating: 7, count: 1 << 20)
    _ = try workspace.folder.make("in.img", disk)
    try run("mdadm", ["--examine", workspace.input.string])
    try expectQCOW2(clusterSize, inner: "linux_raid_member")
    let result = try Command.system("mdadm", ["--examine", workspace.output.string]).run()
    #expect(result.exitCode == 1 && result.errors.contains("No md superblock"))
  }

  /// Converts the input and has `blkid`, `file` and, for the one that it knows, OpenStack's inspector
  /// say what input and output are.
  private func expectQCOW2(_ clusterSize: Int, inner: String) throws {
    #expect(try type(of: workspace.input) == inner)
    try workspace.convert(["-f", "raw", "--cluster-size", "\(clusterSize)", "--no-sync"])
    #expect(try type(of: workspace.output) == "")
    let file = try run("file", ["-b", "-k", workspace.output.string])
    #expect(file.output.hasPrefix("QEMU QCOW"), "\(file.output)")
    if inner == "iso9660", let type = try ForeignReader.inspected(workspace.output) {
      #expect(type == "qcow2")
    }
  }

  /// The type that `blkid` sees; empty if it sees none, or not one alone.
  private func type(of path: FilePath) throws -> String {
    let result = try Command.system("blkid", ["-p", "-o", "value", "-s", "TYPE", path.string]).run()
      .expectingExit(0, 2)
    return String(result.output.prefix { $0 != "\n" })
  }

  @discardableResult
  private func run(_ program: String, _ arguments: [String]) throws -> CommandResult {
    try Command.system(program, arguments).run().expectingExit(0)
  }

  /// A superblock of version 1.2 as `mdadm --create` writes it 4096 bytes into a member (Linux,
  /// `md_p.h`): making one needs a kernel with md.
  private static let raidSuperblock: [UInt8] = {
    var bytes = [UInt8](repeating: 0, count: 260)
    func put<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
      withUnsafeBytes(of: value.littleEndian) {
        bytes.replaceSubrange(offset..<offset + $0.count, with: $0)
      }
    }
    put(0xA92B_4EFC as UInt32, at: 0)  // magic
    put(1 as UInt32, at: 4)  // major version
    for index in 16..<32 { bytes[index] = UInt8(index) }  // the array's UUID
    put(1_700_000_000 as UInt64, at: 64)  // made
    put(1 as UInt32, at: 72)  // level
    put(2048 as UInt64, at: 80)  // sectors
    put(2 as UInt32, at: 92)  // disks
    put(2048 as UInt64, at: 128)  // data offset
    put(2048 as UInt64, at: 136)  // data size
    put(8 as UInt64, at: 144)  // the superblock's own sector
    for index in 168..<184 { bytes[index] = UInt8(index) }  // the member's UUID
    put(1_700_000_000 as UInt64, at: 192)  // changed
    put(3 as UInt64, at: 200)  // events
    put(UInt64.max, at: 208)  // resynchronised
    put(2 as UInt32, at: 220)  // roles
    put(0 as UInt16, at: 256)
    put(0xFFFE as UInt16, at: 258)
    let sum = stride(from: 0, to: bytes.count, by: 4).reduce(UInt64(0)) { sum, offset in
      sum
        + bytes.withUnsafeBytes {
          UInt64(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        }
    }
    put(UInt32(truncatingIfNeeded: sum + sum >> 32), at: 216)
    return bytes
  }()
}
