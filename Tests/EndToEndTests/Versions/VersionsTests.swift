import SystemPackage
import TestSupport
import Testing

/// Files with versions: made, added to, looked at, removed from. After each step QEMU finds nothing
/// wrong, and every version reads back as its disk.
@Suite struct VersionsTests {
  /// How a file is made: its clusters and its compression.
  static let modes: [[String]] = [
    [], ["-c", "--compression-type", "zstd"], ["-c", "--cluster-size", "512"],
    ["--cluster-size", "64K"],
  ]

  /// Five disks, each nearly the one before, of different sizes.
  private static func disks() -> [(name: String, bytes: [UInt8])] {
    var bytes = RawImage.mixture(clusters: 700, size: 4096, kinds: 500, seed: 71)
    var disks = [("v1", bytes)]
    for step in 2...5 {
      let change = RawImage.noise(count: 20 * 4096, seed: UInt64(70 + step))
      let place = step * 90 * 4096
      bytes.replaceSubrange(place..<place + change.count, with: change)
      if step == 3 { bytes += RawImage.noise(count: 30 * 4096, seed: 80) }
      if step == 5 { bytes.removeLast(100 * 4096) }
      disks.append(("v\(step)", bytes))
    }
    return disks
  }

  @Test("Versions are added, made active and removed, and all others stay", arguments: modes)
  func lifeOfFile(mode: [String]) throws {
    var versions = try VersionsFolder()
    let disks = Self.disks()
    try versions.create(disks[0].name, disks[0].bytes, mode)
    for disk in disks.dropFirst() { try versions.add(disk.name, disk.bytes) }
    #expect(try versions.list().versions.map(\.name) == disks.map(\.name))
    #expect(try versions.list().active.version == "v5")
    try versions.run("activate", versions.file.string, "v2")
    try versions.expectSound()
    #expect(try QemuImage(versions.file).compare(withRaw: versions.disks["v2"]!).exitCode == 0)
    try versions.run("remove", versions.file.string, "v1", "v3")
    versions.forget("v1")
    versions.forget("v3")
    try versions.expectSound()
    try versions.run("remove", "--keep-last", "1", versions.file.string)
    versions.forget("v4")
    try versions.expectSound()
    #expect(try versions.list().versions.map(\.name) == ["v2", "v5"])
    try versions.add("v6", disks[3].bytes)
    #expect(try versions.list().active.version == "v6")
  }

  @Test("A version that is there already takes a table or two")
  func equalVersion() throws {
    var versions = try VersionsFolder()
    let bytes = RawImage.noise(count: 4 << 20, seed: 72)
    try versions.create("a", bytes)
    let before = try versions.list().fileSize
    try versions.add("b", bytes)
    let after = try versions.list()
    #expect(after.versions.allSatisfy { $0.dataBytes == UInt64(bytes.count) })
    #expect(after.versions.allSatisfy { $0.isActive })
    #expect(after.fileSize < before + 512 << 10)
    try versions.run("remove", versions.file.string, "a")
    versions.forget("a")
    try versions.expectSound()
  }

  @Test("A version's own bytes are its tables and the clusters that no other version has")
  func ownBytes() throws {
    var versions = try VersionsFolder()
    func clusters(_ count: Int, _ seed: UInt64) -> [UInt8] {
      RawImage.noise(count: count * 4096, seed: seed)
    }
    let (base, more) = (clusters(20, 81), clusters(5, 82))
    // The first of the five is there twice, the first two are in the last version too.
    try versions.create("v1", base)
    try versions.add("v2", base + more + more[..<4096])
    try versions.add("v3", base + more[..<8192] + clusters(3, 83))
    let list = try versions.list().versions
    // Each has an L1 and an L2 table of its own, and these clusters: none, three and three.
    #expect(list.map { $0.ownBytes / 4096 } == [2, 5, 5])
    #expect(list.map { $0.dataBytes / 4096 } == [20, 26, 25])
    try versions.run("remove", versions.file.string, "v3", exit: 1)
    try versions.run("activate", versions.file.string, "v1")
    try versions.run("remove", versions.file.string, "v3")
    versions.forget("v3")
    try versions.expectSound()
    #expect(try versions.list().versions.map { $0.ownBytes / 4096 } == [2, 7])
  }

  @Test("A store that began small grows and forgets nothing, unless its limit was chosen")
  func growingStore() throws {
    // 128 incarnations of the small store take 8,192 entries.
    let small = RawImage.noise(count: 64 * 512, seed: 85)
    let large = small + RawImage.noise(count: 12_000 * 512, seed: 86)
    let next = large.reversed() + large
    for (options, forgets) in [([], false), (["--max-incarnations", "20"], true)] {
      var versions = try VersionsFolder()
      try versions.create("small", small, ["--cluster-size", "512"] + options)
      try versions.add("large", large)
      let input = try versions.disk("next", next)
      let report = try Report(
        json: try versions.run(
          "add", "--report", "json", "--name", "next", versions.file.string, input
        ).standardOutput)
      // What is reversed is new, all the rest is there.
      #expect(report.clusters.data == UInt64(next.count / 512))
      let found = report.clusters.duplicate
      #expect(forgets ? found < 6_000 : found == UInt64(large.count / 512), "\(options): \(found)")
      try versions.expectSound()
    }
  }

  @Test("A store that a small file claims in a hole is not believed", arguments: [24, 31])
  func claimedStore(order: Int) throws {
    var versions = try VersionsFolder()
    let disk = try versions.disk("base", RawImage.noise(count: 1 << 20, seed: 87))
    let file = versions.file.string
    try versions.run("convert", "-q", "--cluster-size", "64K", disk, file)
    try ForgedStore(versions.file).claim(order: order)
    let input = try versions.disk("next", RawImage.noise(count: 1 << 20, seed: 88))
    var command = try Command.qdedup([
      "add", "--name-active", "base", "--name", "next", file, input,
    ])
    command.watchesMemory = true
    let result = try command.run().expectingExit(0)
    #expect(result.peakMemory <= 100 << 20, "\(result.peakMemory) bytes")
    #expect(result.output.contains("on the disk at most \(64 << 20) are taken"), "\(result)")
    try versions.expectSound()
    // The hole is cut off; what counted its clusters stays until the next change.
    #expect(try versions.list().fileSize < 64 << 20)
  }

  @Test("The same commands give the same bytes, whatever the number of threads")
  func deterministic() throws {
    let disks = Self.disks()
    let files = try ["1", "2", "7"].map { threads in
      var versions = try VersionsFolder()
      try versions.create("v1", disks[0].bytes, ["-c", "--threads", threads])
      try versions.add("v2", disks[1].bytes, ["--threads", threads])
      try versions.add("v3", disks[2].bytes, ["--threads", threads])
      try versions.run("remove", versions.file.string, "v1")
      versions.forget("v1")
      try versions.add("v4", disks[3].bytes, ["--threads", threads])
      return try TemporaryDirectory.content(of: versions.file)
    }
    #expect(files[0] == files[1] && files[1] == files[2])
  }

  @Test("A guest that writes changes the active disk alone, and nothing of it is lost unasked")
  func guestWrites() throws {
    var versions = try VersionsFolder()
    let disks = Self.disks()
    try versions.create("v1", disks[0].bytes)
    try versions.add("v2", disks[1].bytes)
    try QemuImage(versions.file).perform("write -P 7 100k 300k")
    try versions.expectSound()
    #expect(try versions.list().active.isChanged)
    let input = try versions.disk("v3", disks[2].bytes)
    let file = versions.file.string
    for command in [
      ["add", "--name", "v3", file, input], ["activate", file, "v1"], ["remove", file, "v1"],
    ] {
      let refused = try Command.qdedup(command).run()
      #expect(refused.exitCode == 1)
      #expect(refused.errors.contains("--name-active NAME"), "\(refused)")
    }
    let report = try Command.qdedup(
      ["add", "--report", "json", "--name-active", "guest", "--name", "v3", file, input]
    ).run().expectingExit(0)
    #expect(report.output.contains("store_rebuilt"))
    try versions.expectSound()
    #expect(try versions.list().versions.map(\.name) == ["v1", "v2", "guest", "v3"])
    let raw = versions.folder.file("guest.img")
    try versions.run("export", "-q", "-l", "guest", file, raw.string)
    let guest = try TemporaryDirectory.content(of: raw)
    #expect(guest[(100 << 10)..<(400 << 10)].allSatisfy { $0 == 7 })
    #expect(Array(guest[(400 << 10)...]) == Array(disks[1].bytes[(400 << 10)...]))
    try QemuImage(versions.file).perform("write -P 8 0 64k")
    try versions.run("activate", "--discard-active", file, "v1")
    try versions.expectSound()
  }

  @Test("An image of QEMU with snapshots becomes a file with versions")
  func adoptsImage() throws {
    var versions = try VersionsFolder()
    let bytes = RawImage.noise(count: 1 << 20, seed: 73)
    let raw = FilePath(try versions.disk("base", bytes))
    try QemuImage.run([
      "convert", "-f", "raw", "-O", "qcow2", raw.string, versions.file.string,
    ]).expectingExit(0)
    let image = QemuImage(versions.file)
    try QemuImage.run(["snapshot", "-c", "base", versions.file.string]).expectingExit(0)
    try image.perform("write -P 5 0 128k")
    let input = try versions.disk("next", bytes.reversed())
    let refused = try Command.qdedup(
      ["add", "--name", "next", versions.file.string, input]
    ).run()
    #expect(refused.exitCode == 1)
    try Command.qdedup(
      ["add", "-q", "--name-active", "written", "--name", "next", versions.file.string, input]
    ).run().expectingExit(0)
    try versions.expectSound()
    #expect(try versions.list().versions.map(\.name) == ["base", "written", "next"])
  }

  @Test("All snapshots of an image become versions of the output, each with its own size")
  func allSnapshots() throws {
    var versions = try VersionsFolder()
    let source = versions.folder.file("source.qcow2")
    let bytes = RawImage.noise(count: 1 << 20, seed: 74)
    let raw = try versions.disk("small", bytes)
    try QemuImage.run(["convert", "-O", "qcow2", raw, source.string]).expectingExit(0)
    try QemuImage.run(["snapshot", "-c", "small", source.string]).expectingExit(0)
    try QemuImage.run(["resize", "-q", source.string, "3M"]).expectingExit(0)
    try QemuImage(source).perform("write -P 3 2M 512k")
    var now = bytes + [UInt8](repeating: 0, count: 2 << 20)
    for index in (2 << 20)..<(2 << 20) + (512 << 10) { now[index] = 3 }
    _ = try versions.disk("now", now)
    try versions.run(
      "convert", "-q", "--all-snapshots", "--name", "now", source.string, versions.file.string)
    try versions.expectSound()
    let list = try versions.list()
    #expect(list.versions.map(\.name) == ["small", "now"])
    #expect(list.versions.map(\.virtualSize) == [1 << 20, 3 << 20])
  }

  @Test("QEMU cuts a version that is larger than the active disk, and export does not")
  func sizes() throws {
    var versions = try VersionsFolder()
    try versions.create("large", RawImage.noise(count: 2 << 20, seed: 75))
    let input = try versions.disk("small", RawImage.noise(count: 1 << 20, seed: 76))
    let report = try Command.qdedup(
      ["add", "--name", "small", versions.file.string, input]
    ).run().expectingExit(0)
    #expect(report.output.contains("the versions differ in size"))
    let cut = versions.folder.file("cut.img")
    try QemuImage.run([
      "convert", "-l", "snapshot.name=large", "-O", "raw", versions.file.string, cut.string,
    ]).expectingExit(0)
    #expect(try TemporaryDirectory.content(of: cut).count == 1 << 20)
    try versions.expectSound()
  }

  @Test("Versions that are equal share all; those that differ differ where they do")
  func differences() throws {
    var versions = try VersionsFolder()
    let bytes = RawImage.noise(count: 1 << 20, seed: 77)
    var other = bytes
    other[300_000] ^= 1
    try versions.create("a", bytes)
    try versions.add("b", other)
    try versions.add("c", bytes)
    let file = versions.file.string
    let equal = try versions.run("diff", file, "a", "c")
    #expect(equal.output == "\"a\" and \"c\" are equal\n")
    let differ = try versions.run("diff", file, "a", "b")
    #expect(differ.output.hasPrefix("\(300_000 / 4096 * 4096) +4096 (4 KiB)\n"))
  }

  @Test("Of equal versions that the active disk is a copy of, all but one can be removed")
  func removalOfEqualVersions() throws {
    var versions = try VersionsFolder()
    let bytes = RawImage.noise(count: 1 << 20, seed: 80)
    for name in ["a", "b", "c"] {
      let content = name == "b" ? RawImage.noise(count: 1 << 20, seed: 81) : bytes
      if name == "a" { try versions.create(name, content) } else { try versions.add(name, content) }
    }
    let file = versions.file.string
    let both = try Command.qdedup(["remove", file, "a", "c"]).run()
    #expect(both.exitCode == 1 && both.errors.contains("make another one active first"), "\(both)")
    _ = try versions.run("remove", file, "c")
    versions.forget("c")
    #expect(try versions.run("versions", file).output.contains("a copy of \"a\""))
    let last = try Command.qdedup(["remove", file, "a"]).run()
    #expect(last.exitCode == 1 && last.errors.contains("make another one active first"), "\(last)")
    try versions.expectSound()
  }

  @Test("A name that is taken, unknown or no name is refused, and the file stays as it was")
  func refusals() throws {
    var versions = try VersionsFolder()
    try versions.create("a", RawImage.noise(count: 64 << 10, seed: 78))
    let before = try TemporaryDirectory.content(of: versions.file)
    let file = versions.file.string
    let input = try versions.disk("x", RawImage.noise(count: 64 << 10, seed: 79))
    versions.forget("x")
    for (command, code, text) in [
      (["add", "--name", "a", file, input], 1, "already"),
      (["add", "--name", "12", file, input], 64, ""),
      (["activate", file, "b"], 1, "it has \"a\""),
      (["remove", file, "a"], 1, "make another one active first"),
      (["remove", file], 64, "--keep-last"),
      (["add", "--name", "b", file, file], 1, "the input itself"),
      (["diff", file, "a", "b"], 1, "no version"),
    ] as [([String], Int32, String)] {
      let result = try Command.qdedup(command).run()
      #expect(result.exitCode == code, "\(command): \(result)")
      #expect(result.errors.contains(text), "\(command): \(result)")
    }
    #expect(try TemporaryDirectory.content(of: versions.file) == before)
  }
}
