import Foundation
public import SystemPackage

/// Makes real ext4 file systems with `mke2fs -d`, without a mount and without root.
public enum Ext4Image {
  /// Makes a folder with the files of a small system: some of this machine's programs and texts,
  /// some generated, and, for other seeds, a few that differ.
  ///
  /// - Parameters:
  ///   - directory: The folder to make.
  ///   - seed: Two trees of different seeds share most files.
  /// - Throws: An error of the file system.
  public static func makeTree(in directory: FilePath, seed: UInt64) throws {
    let manager = FileManager.default
    for name in ["bin", "etc", "var/cache/copies"] {
      try manager.createDirectory(
        atPath: directory.appending(name).string, withIntermediateDirectories: true)
    }
    for name in ["sh", "ls", "tar", "cp", "grep", "sed"] {
      let real = URL(fileURLWithPath: "/bin/\(name)").resolvingSymlinksInPath().path
      guard manager.fileExists(atPath: real) else { continue }
      for target in ["bin/\(name)", "var/cache/copies/\(name).old"] {
        try manager.copyItem(atPath: real, toPath: directory.appending(target).string)
      }
    }
    for index in 0..<200 {
      var text = "# settings of service \(index)\n"
      for line in 0..<(index * 7 % 900) { text += "option_\(line) = \(line * index % 17)\n" }
      try RawImage.write(Array(text.utf8), to: directory.appending("etc/service\(index).conf"))
    }
    for index in 0..<8 {
      let differs = index >= 6
      let noise = RawImage.noise(
        count: 150_000 + index * 30_001, seed: UInt64(index) + (differs ? seed * 1000 : 0))
      try RawImage.write(noise, to: directory.appending("var/blob\(index)"))
    }
    try RawImage.sparse(
      at: directory.appending("var/sparse.db"), size: 3 << 20,
      islands: [1 << 20: RawImage.noise(count: 9000, seed: seed)])
  }

  /// Makes an ext4 image of a tree of `makeTree`.
  ///
  /// - Parameters:
  ///   - path: The image.
  ///   - mebibytes: Its size.
  ///   - seed: See `makeTree`; also gives the file system its identity.
  /// - Throws: `TestSupportError` if `mke2fs` is missing or refuses.
  public static func make(at path: FilePath, mebibytes: Int, seed: UInt64) throws {
    let folder = try TemporaryDirectory()
    let tree = try folder.makeDirectory("tree")
    try makeTree(in: tree, seed: seed)
    let identity = "\(11_111_111 * (seed % 9))-1111-4111-8111-111111111111"
      .leftPadded(to: 36, with: "0")
    var command = Command.system(
      "mke2fs",
      [
        "-q", "-F", "-t", "ext4", "-b", "4096", "-U", identity,
        "-E", "hash_seed=\(identity),lazy_itable_init=0", "-d", tree.string,
        path.string, "\(mebibytes)M",
      ])
    command.environment = ["E2FSPROGS_FAKE_TIME": "1700000000"]
    try withExtendedLifetime(folder) { _ = try command.run().expectingExit(0) }
  }

  /// Makes a disk with two file systems, the second an update of the first, each after 1 MiB of
  /// nothing: what a machine with an A and a B partition has.
  ///
  /// - Parameters:
  ///   - path: The image.
  ///   - mebibytes: The size of each of the two.
  /// - Throws: `TestSupportError` if `mke2fs` is missing or refuses.
  public static func makeABDisk(at path: FilePath, mebibytes: Int) throws {
    let folder = try TemporaryDirectory()
    var islands: [Int64: [UInt8]] = [:]
    for seed in 1...2 {
      let part = folder.file("part\(seed)")
      try make(at: part, mebibytes: mebibytes, seed: UInt64(seed))
      islands[Int64((seed - 1) * (mebibytes + 1) + 1) << 20] = try RawImage.read(part)
    }
    try RawImage.sparse(at: path, size: Int64(2 * mebibytes + 3) << 20, islands: islands)
    try Command("fallocate", ["--dig-holes", path.string]).run().expectingExit(0)
  }
}

extension String {
  /// The text with `pad` put before it until it has `count` characters.
  fileprivate func leftPadded(to count: Int, with pad: Character) -> String {
    String(repeating: pad, count: max(0, count - self.count)) + self
  }
}
