import SystemPackage
import TestSupport
import Testing

/// A month of nightly images of which the last five are kept: the file stays about as large as a new
/// one with the same five.
@Suite struct NightlyTests {
  /// A disk that changes a bit each night: some files, of 4 to 256 KiB, are written again, a log grows,
  /// and now and then an area is emptied. Clusters compress to something between a quarter and nine tenths.
  private struct Disk {
    private(set) var bytes = [UInt8](repeating: 0, count: 8 << 20)
    private var random: SplitMix64

    init(seed: UInt64) {
      random = SplitMix64(seed: seed)
      for cluster in 0..<1400 { write(cluster) }
    }

    private mutating func write(_ cluster: Int) {
      let noise = RawImage.noise(count: 1024 + Int(random.next() % 2600), seed: random.next())
      let content = noise + [UInt8](repeating: 5, count: 4096 - noise.count)
      bytes.replaceSubrange(cluster * 4096..<(cluster + 1) * 4096, with: content)
    }

    mutating func pass(night: Int) {
      for _ in 0..<5 {
        let (first, bits) = (Int(random.next() % 1330), random.next() % 7)
        for cluster in first..<first + (1 << bits) { write(cluster) }
      }
      for cluster in 0..<8 { write(1400 + (night * 8 + cluster) % 600) }
      if night % 7 == 0 {
        let first = Int(random.next() % 1300) * 4096
        bytes.replaceSubrange(first..<first + (20 << 12), with: repeatElement(0, count: 20 << 12))
      }
    }
  }

  @Test(
    "After 30 nights that keep the last five, the file is within 1.15 times a new one with the same five",
    arguments: [[], ["-c", "--compression-type", "zstd"]])
  func nights(mode: [String]) throws {
    var versions = try VersionsFolder()
    let file = versions.file.string
    var disk = Disk(seed: 91)
    try versions.create("night0", disk.bytes, mode)
    for night in 1...30 {
      disk.pass(night: night)
      let name = "night\(night)"
      let input = try versions.disk(name, disk.bytes)
      try versions.run("add", "-q", "--name", name, file, input)
      try versions.run("remove", "-q", "--keep-last", "5", file)
      if night > 4 { versions.forget("night\(night - 5)") }
      if night % 10 == 0 { try versions.expectSound() }
    }
    #expect(try versions.list().versions.map(\.name) == (26...30).map { "night\($0)" })
    var fresh = try VersionsFolder()
    for night in 26...30 {
      let bytes = try TemporaryDirectory.content(of: versions.folder.file("night\(night).img"))
      if night == 26 {
        try fresh.create("night26", bytes, mode)
      } else {
        try fresh.add("night\(night)", bytes)
      }
    }
    let (kept, new) = (try versions.list(), try fresh.list())
    let ratios = [
      Double(kept.fileSize) / Double(new.fileSize),
      Double(kept.allocatedBytes) / Double(new.allocatedBytes),
    ]
    print(
      """
      30 nights, \(mode.isEmpty ? "plain" : "zstd"): \(kept.fileSize) bytes, \(kept.allocatedBytes) \
      on disk; new \(new.fileSize), \(new.allocatedBytes); ratios \(ratios)
      """)
    // What a cluster of which a part is free leaves, the file system cannot have back; holes it can.
    #expect(ratios[1] <= 1.15, "\(ratios)")
    #expect(ratios[0] <= 1.4, "\(ratios)")
  }
}
