import SystemPackage
import TestSupport
import Testing

/// Other programs that read qcow2, as Documentation/Readers.md says of them.
@Suite struct ReaderTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  /// Texts, noise, zeros and duplicates; the disk ends within a cluster of more than 512 bytes.
  private func makeDisk() throws -> [UInt8] {
    let text = (0..<60_000).flatMap { Array("line \($0 % 977) of \($0 / 7)\n".utf8) }
    var disk = Array(text.prefix(600_000))
    disk += [UInt8](repeating: 0, count: 300_000)
    // Comes again 5,000 and 20,000 bytes later: deflate reaches that far back if it may.
    for distance in [5000, 20_000] {
      let noise = RawImage.noise(count: distance, seed: 13)
      for _ in 0..<5 { disk += noise }
    }
    disk += RawImage.noise(count: 200_000, seed: 12)
    disk += disk[4096..<400_000]
    disk = Array(disk.prefix(disk.count / 512 * 512))
    try RawImage.write(disk, to: workspace.input)
    return disk
  }

  @Test(
    "A foreign reader sees the disk, plain and compressed by zlib, in clusters of any size",
    arguments: ForeignReader.here,
    [[], ["-c"], ["-c", "--compression-level", "1"], ["-c", "--compression-level", "9"]])
  func foreignReaderSeesDisk(reader: ForeignReader, method: [String]) throws {
    let disk = try makeDisk()
    let hasLevel = method.count > 1
    for size in hasLevel ? ["8K", "16K", "32K"] : ["512", "2K", "4K", "16K", "64K", "2M"] {
      for store in hasLevel ? [[]] : [["--hash-store"], ["--no-hash-store"]] {
        let options = method + ["--cluster-size", size, "--force", "--no-sync"] + store
        try workspace.convert(options)
        #expect(try reader.content(of: workspace.output) == disk, "\(options)")
      }
    }
  }

  @Test(
    "A reader that restores a cluster in one piece sees the disk with the largest deflate window",
    arguments: ForeignReader.here)
  func largestWindow(reader: ForeignReader) throws {
    let disk = try makeDisk()
    for (name, size) in [("16K", 16_384), ("64K", 65_536), ("2M", 2 << 20)] {
      for level in ["1", "9"] {
        let options = [
          "-c", "--deflate-window", "32K", "--compression-level", level, "--cluster-size", name,
        ]
        try workspace.convert(options + ["--force", "--no-sync"])
        let result = try reader.read(workspace.output)
        #expect(
          (result.exitCode == 0 && result.standardOutput == disk)
            == (size <= reader.largestWideCluster), "\(options): \(result.errors)")
        #expect(try QemuImage(workspace.output).compare(withRaw: workspace.input).exitCode == 0)
      }
    }
  }

  @Test("zstd is read by those that know it, and the others say no", arguments: ForeignReader.here)
  func zstdIsReadOrRefused(reader: ForeignReader) throws {
    let disk = try makeDisk()
    try workspace.convert(["-c", "--compression-type", "zstd", "--cluster-size", "4K"])
    if reader.readsZstd {
      #expect(try reader.content(of: workspace.output) == disk)
    } else {
      let result = try reader.read(workspace.output)
      #expect(result.exitCode != 0, "\(result.errors)")
    }
  }

  @Test("The documentation names every reader that is tried")
  func documentationNamesEveryReader() throws {
    var root = FilePath(#filePath)
    for _ in 0..<3 { root.removeLastComponent() }
    let text = String(
      decoding: try RawImage.read(root.appending("Documentation/Readers.md")), as: UTF8.self)
    for reader in ForeignReader.allCases {
      #expect(text.contains("| \(reader.rawValue) "), "\(reader)")
    }
  }
}
