import SystemPackage
import TestSupport
import Testing

/// Images that the installed `qemu-img` makes, with real content, against QEMU's own reading.
@Suite struct QCOW2InputVariantTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }
  var image: FilePath { workspace.folder.file("image.qcow2") }

  init() throws { workspace = try Workspace() }

  /// Converts `image` and compares the output with what QEMU reads from it.
  private func expectReadRight(
    _ options: [String] = [], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let theirs = workspace.folder.file("theirs.img")
    try QemuImage(image).writeRaw(to: theirs)
    try workspace.convert(options, from: image.string)
    try expectSound(output, equals: theirs, sourceLocation: sourceLocation)
  }

  @Test("Texts, noise and zeros are read right", arguments: ImageVariant.all)
  func textsNoiseAndZerosAreReadRight(_ variant: ImageVariant) throws {
    let bytes = RawImage.mixtureWithTexts(clusters: 900, size: 4096, seed: 311)
    try RawImage.write(bytes + RawImage.noise(count: 1536, seed: 312), to: input)
    _ = try variant.make(from: input, at: image)
    try workspace.convert(from: image.string)
    try expectSound(output, equals: input)
  }

  @Test(
    "A file system is read right",
    arguments: [
      ImageVariant("cluster_size=64K"), ImageVariant("cluster_size=4K,compat=0.10"),
      ImageVariant("compression_type=zlib", compressed: true),
      ImageVariant("compression_type=zstd,cluster_size=4K", compressed: true),
      ImageVariant("extended_l2=on,cluster_size=32K"),
    ])
  func fileSystemIsReadRight(_ variant: ImageVariant) throws {
    try Ext4Image.make(at: input, mebibytes: 40, seed: 5)
    _ = try variant.make(from: input, at: image)
    try workspace.convert(["--verify"], from: image.string)
    try expectSound(output, equals: input)
  }

  @Test(
    "What a guest wrote, zeroed and discarded at random is read right",
    arguments: [
      "cluster_size=512", "cluster_size=4K", "cluster_size=64K", "cluster_size=2M",
      "cluster_size=4K,compat=0.10", "cluster_size=16K,extended_l2=on",
      "cluster_size=64K,extended_l2=on", "cluster_size=4K,preallocation=metadata",
      "cluster_size=32K,extended_l2=on,preallocation=metadata",
    ])
  func whatGuestWrote(
    options: String
  ) throws {
    let size = 6 << 20
    let made = try QemuImage.creating(image, size: size, options: options)
    try made.performAll(GuestWrites.random(count: 160, size: size, seed: 313))
    try expectReadRight()
  }

  @Test("Compressed clusters between plain ones are read right")
  func compressedClustersBetweenPlainOnesAreReadRight() throws {
    let bytes = RawImage.mixtureWithTexts(clusters: 300, size: 4096, seed: 314)
    try RawImage.write(bytes, to: input)
    let variant = ImageVariant("cluster_size=4K,compression_type=zstd", compressed: true)
    let made = try variant.make(from: input, at: image)
    try made.performAll(GuestWrites.random(count: 60, size: 300 << 12, seed: 315))
    try expectReadRight(["--cluster-size", "512"])
  }

  @Test("A disk of 1 TiB with islands is read where it has data")
  func diskOf1TiBWithIslandsIsReadWhereItHasData() throws {
    let made = try QemuImage.creating(image, size: 1 << 40)
    try made.perform(
      "write -P 1 0 4096", "write -P 2 \(1 << 39) 70000", "write -P 3 \(1 << 40 - 512) 512")
    let report = try workspace.convert(from: image.string)
    let walker = try expectWellFormed(output)
    #expect(walker.header.virtualSize == 1 << 40)
    #expect(report.clusters.data == 1 + 18 + 1)
    try QemuImage(output).check().expectingExit(0)
    let comparison = try QemuImage.run(["compare", "-f", "qcow2", image.string, output.string])
    #expect(comparison.exitCode == 0, "\(comparison)")
  }

  @Test("An image that was made larger and smaller is read right")
  func imageThatWasMadeLargerAndSmallerIsReadRight() throws {
    let made = try QemuImage.creating(image, size: 1 << 20, options: "cluster_size=4K")
    try made.performAll(GuestWrites.random(count: 30, size: 1 << 20, seed: 316))
    try made.resize(to: 64 << 20)
    try made.performAll(GuestWrites.random(count: 30, size: 64 << 20, seed: 317))
    try QemuImage.run(["resize", "-q", "--shrink", "-f", "qcow2", image.string, "600K"])
      .expectingExit(0)
    try made.resize(to: 800 << 10)
    try expectReadRight()
  }

  @Test("Dirty bitmaps are ignored")
  func dirtyBitmapsAreIgnored() throws {
    try RawImage.write(RawImage.noise(count: 1 << 20, seed: 318), to: input)
    let made = try ImageVariant("cluster_size=64K").make(from: input, at: image)
    for name in ["one", "two"] {
      try QemuImage.run(["bitmap", "--add", image.string, name]).expectingExit(0)
    }
    try made.perform("write -P 9 70000 70000")
    try expectReadRight()
  }

  @Test("An image whose refcounts a machine did not write is read right")
  func imageOfWhichMachineLeftRefcountsBehindIsRead() throws {
    let made = try QemuImage.creating(image, size: 1 << 20, options: "lazy_refcounts=on")
    try Command.shell(
      "qemu-io -f qcow2 -c 'write -P 7 0 300000' -c abort \"$1\" >&2; true", [made.path.string]
    ).run().expectingExit(0)
    #expect(try RawImage.read(image)[79] == 1, "the dirty bit")
    let before = try RawImage.read(image)
    try workspace.convert(from: image.string)
    #expect(try RawImage.read(image) == before)
    try RawImage.sparse(
      at: input, size: 1 << 20, islands: [0: [UInt8](repeating: 7, count: 300_000)])
    try expectSound(output, equals: input)
  }
}
