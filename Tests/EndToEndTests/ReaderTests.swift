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
    disk += RawImage.noise(count: 200_000, seed: 12)
    disk += disk[4096..<400_000]
    disk = Array(disk.prefix(disk.count / 512 * 512))
    try RawImage.write(disk, to: workspace.input)
    return disk
  }

  @Test(
    "A foreign reader sees the disk, plain and compressed by zlib, in clusters of any size",
    arguments: ForeignReader.here, [[], ["-c"]])
  func foreignReaderSeesDisk(reader: ForeignReader, method: [String]) throws {
    let disk = try makeDisk()
    for size in ["512", "2K", "4K", "16K", "64K", "2M"] {
      for store in [[], ["--no-hash-store"]] {
        let options = method + ["--cluster-size", size, "--force"] + store
        try workspace.convert(options)
        #expect(try reader.content(of: workspace.output) == disk, "\(options)")
      }
    }
  }

  @Test("zstd is read by those that know it, and the others say no", arguments: ForeignReader.here)
  func zstdIsReadOrRefused(reader: ForeignReader) throws {
    let disk = try makeDisk()
    try workspace.convert(["-c", "--compression-type", "zstd"])
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
