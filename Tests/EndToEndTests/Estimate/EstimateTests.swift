import SystemPackage
import TestSupport
import Testing

/// Estimates beside the conversions that they predict.
@Suite struct EstimateTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws { workspace = try Workspace() }

  /// The size of the file that a conversion writes, and what its clusters are.
  private func converted(
    _ image: FilePath, _ method: String, _ size: String
  ) throws -> Report {
    let compression = method == "plain" ? [] : ["-c", "--compression-type", method]
    return try workspace.convert(
      compression + ["--cluster-size", size, "--force", "--no-sync"], from: image.string)
  }

  private func expectClose(
    _ sizes: [Estimate.Size], to image: FilePath, _ methods: [String], isOneDisk: Bool = true,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for (name, bytes) in [("4K", 4096), ("64K", 65_536)] as [(String, UInt64)] {
      let size = try #require(sizes.first { $0.clusterSize == bytes })
      for method in methods {
        let report = try converted(image, method, name)
        let (file, written) = (size.file(method), report.output.fileSize)
        let error = Double(file.fileBytes) / Double(written) - 1
        let what = "\(method) \(name): \(file.fileBytes) by \(written)"
        #expect(abs(error) < 0.03, "\(what)", sourceLocation: sourceLocation)
        #expect(written <= file.upperBoundBytes, "\(what)", sourceLocation: sourceLocation)
        #expect(file.lowBytes <= file.fileBytes && file.fileBytes <= file.highBytes)
        if method == "plain", isOneDisk { #expect(file.fileBytes == written, "\(what)") }
        let counts = (size.clusters, report.clusters)
        #expect(counts.0.unique == counts.1.unique, sourceLocation: sourceLocation)
        #expect(counts.0.zero == counts.1.zero, sourceLocation: sourceLocation)
        #expect(counts.0.duplicate == counts.1.duplicate, sourceLocation: sourceLocation)
        #expect(counts.0.total == counts.1.total, sourceLocation: sourceLocation)
      }
    }
  }

  /// A file system of this machine's own files, more of them than are compressed whole.
  private func makeLargeFileSystem() throws {
    let source = ["/usr/lib/python3.11", "/usr/lib/python3", "/usr/share/perl", "/usr/include"]
      .first { (try? Command("test", ["-d", $0]).run().exitCode) == 0 }
    let tree = try #require(source, "needs python3 or perl")
    try Command.system(
      "mke2fs", ["-q", "-F", "-t", "ext4", "-b", "4096", "-d", tree, input.string, "300M"]
    ).run().expectingExit(0)
  }

  @Test("The file of a conversion is predicted to 3 %, and is never larger than the bound")
  func predictionIsClose() throws {
    try makeLargeFileSystem()
    let estimate = try Estimate(of: [input])
    try expectClose(estimate.images[0].clusterSizes, to: input, ["plain", "zlib", "zstd"])
  }

  @Test("A disk of much repetition is predicted to within the interval at every size")
  func repetition() throws {
    let areas = 48
    try RawImage.write(
      (0..<areas).flatMap { area in
        let text = area % 2 == 0 ? [UInt8(area + 1)] : Array("\(area) hello ".utf8)
        return (0..<131_072).map { text[$0 % text.count] }
      }, to: input)
    for size in try Estimate(of: [input]).images[0].clusterSizes {
      for method in ["zlib", "zstd"] {
        let name = String(size.clusterSize)
        let written = try converted(input, method, name).output.fileSize
        let file = size.file(method)
        let what = "\(method) \(name): \(file) by \(written)"
        #expect(file.lowBytes <= written && written <= file.highBytes, "\(what)")
      }
    }
  }

  @Test("A qcow2 image gives the estimate of its disk")
  func qcow2() throws {
    try Ext4Image.make(at: input, mebibytes: 40, seed: 7)
    let raw = try Estimate(of: [input]).images[0]
    try expectClose(raw.clusterSizes, to: input, ["plain", "zlib", "zstd"])
    let image = workspace.folder.file("disk.qcow2")
    try workspace.convert(["-c", "--compression-type", "zstd"], to: image)
    let qcow2 = try Estimate(of: [image]).images[0]
    #expect(raw.format == "raw" && qcow2.format == "qcow2")
    #expect(qcow2.clusterSizes == raw.clusterSizes)
    #expect(qcow2.recommended == raw.recommended && qcow2.virtualSize == raw.virtualSize)
  }

  @Test("Two images are estimated apart, together, and by what they share")
  func twoImages() throws {
    let (one, two) = (workspace.folder.file("one.img"), workspace.folder.file("two.img"))
    try Ext4Image.make(at: one, mebibytes: 40, seed: 1)
    try Ext4Image.make(at: two, mebibytes: 40, seed: 2)
    let estimate = try Estimate(of: [one, two])
    #expect(estimate.images.map(\.path) == [one.string, two.string])
    for (image, path) in zip(estimate.images, [one, two]) {
      let alone = try Estimate(of: [path]).images[0]
      #expect(image.clusterSizes.map(\.clusters) == alone.clusterSizes.map(\.clusters))
      #expect(image.clusterSizes.map(\.plain) == alone.clusterSizes.map(\.plain))
    }
    // One disk after the other is what a file with both holds.
    try RawImage.write(try RawImage.read(one) + RawImage.read(two), to: input)
    let together = try #require(estimate.together)
    try expectClose(together.clusterSizes, to: input, ["plain", "zlib", "zstd"], isOneDisk: false)
    #expect(estimate.pairs.count == 1)
    let pair = try #require(estimate.pairs.first)
    #expect((pair.first, pair.second) == (0, 1))
    for (index, shared) in pair.shared.enumerated() {
      let (first, second) = (
        estimate.images[0].clusterSizes[index].clusters.unique,
        estimate.images[1].clusterSizes[index].clusters.unique
      )
      let union = together.clusterSizes[index].clusters.unique
      #expect(shared.clusters == first + second - union, "\(shared)")
      #expect(shared.bytes == shared.clusters * shared.clusterSize)
    }
    #expect(pair.shared[0].clusters > 500)
    let text = try Command.qdedup(["estimate", one.string, two.string]).run().expectingExit(0)
    for words in ["all 2 images in one file", "shared by two images", "1 and 2", "advice: "] {
      #expect(text.output.contains(words), "\(words)")
    }
  }

  @Test("Three images have three pairs")
  func pairs() throws {
    let files = try (1...3).map { seed in
      try workspace.folder.make("\(seed).img", RawImage.noise(count: 8192, seed: UInt64(seed % 2)))
    }
    let pairs = try Estimate(of: files).pairs
    #expect(pairs.map(\.first) == [0, 0, 1] && pairs.map(\.second) == [1, 2, 2])
    #expect(pairs.map { $0.shared[0].clusters } == [0, 2, 0])
  }

  @Test("Any number of threads, and every run, gives the same estimate")
  func deterministic() throws {
    try Ext4Image.make(at: input, mebibytes: 40, seed: 3)
    let expected = try Estimate(of: [input], ["--threads", "1"]).images
    for threads in ["2", "7", "7"] {
      #expect(try Estimate(of: [input], ["--threads", threads]).images == expected, "\(threads)")
    }
    // A sample too, which is all that 256 KiB have room for.
    try RawImage.write(RawImage.noise(count: 40 << 20, seed: 8), to: input)
    let sampled = try ["1", "7"].map {
      try Estimate(of: [input], ["--threads", $0, "--index-memory", "256K"]).images
    }
    #expect(sampled[0] == sampled[1])
    let size = try #require(sampled[0].first?.clusterSizes.first)
    #expect(size.uniqueRelativeError > 0)
    let error = abs(Double(size.clusters.unique) / Double(10_240) - 1)
    #expect(error < 2 * size.uniqueRelativeError, "\(error)")
  }

  @Test("The recommended sizes are the largest within 5 % of the smallest file")
  func recommendedSizesFollowRule() throws {
    try Ext4Image.makeABDisk(at: input, mebibytes: 24)
    let image = try Estimate(of: [input]).images[0]
    for (method, size) in [
      ("plain", image.recommended.plain), ("zlib", image.recommended.zlib),
      ("zstd", image.recommended.zstd),
    ] {
      let files = image.clusterSizes.map { ($0.clusterSize, $0.file(method).fileBytes) }
      let smallest = Double(files.map(\.1).min() ?? 0)
      let allowed = files.filter { Double($0.1) <= smallest * 1.05 }.map(\.0)
      #expect(size == allowed.max(), "\(method): \(files)")
    }
    // Each is marked.
    let text = try Command.qdedup(["estimate", input.string]).run().expectingExit(0).output
    #expect(text.split(separator: "\n").filter { $0.contains(" *") }.count == 3, "\(text)")
    #expect(text.split(separator: "\n").filter { $0.hasPrefix("advice: ") }.count == 1)
  }

  @Test("Partitions that begin between clusters are said to share little in larger ones")
  func unalignedPartitions() throws {
    let (aligned, odd) = (workspace.folder.file("aligned.img"), workspace.folder.file("odd.img"))
    let disks: [(path: FilePath, starts: [UInt64])] = [
      (aligned, [2048, 43_008]), (odd, [63, 40_965]),
    ]
    for (path, starts) in disks {
      try RawImage.sparse(at: path, size: 64 << 20)
      let lines = starts.map { "start=\($0), size=16384, type=83\n" }
      let table = "label: dos\n" + lines.joined()
      let script = "printf '%s' \"$2\" | sfdisk -q \"$1\""
      try Command.shell("PATH=$PATH:/sbin:/usr/sbin; \(script)", [path.string, table])
        .run().expectingExit(0)
    }
    let estimate = try Estimate(of: [aligned, odd])
    #expect(estimate.images[0].partitionStarts == disks[0].starts.map { $0 * 512 })
    #expect(estimate.images[0].partitionAlignment == nil)
    #expect(estimate.images[1].partitionStarts == disks[1].starts.map { $0 * 512 })
    #expect(estimate.images[1].partitionAlignment == 512)
    let text = try Command.qdedup(["estimate", odd.string]).run().expectingExit(0).output
    #expect(text.contains("begin at multiples of 512 B only"), "\(text)")
    let other = try Command.qdedup(["estimate", aligned.string]).run().expectingExit(0).output
    #expect(!other.contains("partitions"), "\(other)")
  }

  @Test("What cannot be estimated is refused with what to do")
  func refused() throws {
    try RawImage.write([1, 2, 3], to: input)
    let dash = try Command.qdedup(["estimate", "-"]).run()
    #expect(dash.exitCode == 64 && dash.errors.contains("save it to a file first"), "\(dash)")
    let many = try Command.qdedup(
      ["estimate"] + Array(repeating: input.string, count: 65)
    ).run()
    #expect(many.exitCode == 64 && many.errors.contains("at most 64"), "\(many)")
    let missing = try Command.qdedup(["estimate", "/nowhere/disk.img"]).run()
    #expect(missing.exitCode == 1 && missing.errors.contains("/nowhere/disk.img"), "\(missing)")
    #expect(try Estimate(of: [input]).images[0].clusterSizes[0].clusters.unique == 1)
    let packed = workspace.folder.file("disk.gz")
    try RawImage.write([0x1F, 0x8B, 8, 0] + RawImage.noise(count: 4096, seed: 1), to: packed)
    let gzip = try Command.qdedup(["estimate", packed.string]).run()
    #expect(gzip.exitCode == 1 && gzip.errors.contains("gzip -dc \(packed) >disk.raw"), "\(gzip)")
  }
}
