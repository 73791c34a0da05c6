import DiskIO
import DiskImage
import QCOW2
import SystemPackage
import TestSupport
import Testing

/// Compressed images, sound and damaged: the right bytes or an error, never a trap.
@Suite struct CompressedImageDamageTests {
  private let scratch: TemporaryDirectory

  init() throws { scratch = try TemporaryDirectory() }

  /// An image of 120 clusters of 512 bytes, every third unallocated, and the disk that it shows.
  private func image(_ method: Compression.Method) throws -> (bytes: [UInt8], disk: [UInt8]) {
    let geometry = try #require(ClusterGeometry(clusterSize: 512))
    let image = try EmptyImage(scratch, geometry, virtualSize: 120 * 512)
    let compression = try #require(Compression(method, level: 1))
    var disk = [UInt8](repeating: 0, count: 120 * 512)
    for cluster in 0..<120 where cluster % 3 != 0 {
      let content = ClusterContent.allCases[cluster % ClusterContent.allCases.count]
      let bytes = content.bytes(count: 512, seed: UInt64(cluster))
      let data = try compression.compressed(bytes)
      let mapping = try image.writer.allocate(
        compressedBytes: data.count, references: 1, limit: RefcountWidth.highest)
      try image.file.file.write(data, at: mapping.host(geometry).bytes)
      image.writer.addReferences(1, to: mapping)
      try image.writer.map(GuestOffset(UInt64(cluster) * 512), to: mapping)
      disk.replaceSubrange(cluster * 512..<(cluster + 1) * 512, with: bytes)
    }
    _ = try image.writer.finish(
      virtualSize: 120 * 512, method: method, features: method.features)
    try image.file.publish(replacing: true, sync: false)
    return (try TemporaryDirectory.content(of: image.file.path), disk)
  }

  /// The disk that a file shows, read whole; nil if that is an `ImageError`.
  private func read(_ bytes: [UInt8]) throws -> [UInt8]? {
    let path = try scratch.make("damaged.qcow2", bytes)
    do {
      return try QCOW2Image.open(try OwnedFile(readingFrom: path)).allBytes()
    } catch is ImageError {
      return nil
    }
  }

  @Test("A sound image shows its disk, here and in QEMU", arguments: Compression.Method.allCases)
  func sound(method: Compression.Method) throws {
    let (bytes, disk) = try image(method)
    #expect(try read(bytes) == disk)
    let (path, raw) = (scratch.file("image.qcow2"), scratch.file("image.raw"))
    try QemuImage(path).check().expectingExit(0)
    try QemuImage.run(["convert", "-f", "qcow2", "-O", "raw", path.string, raw.string])
      .expectingExit(0)
    #expect(try TemporaryDirectory.content(of: raw) == disk)
  }

  @Test(
    "A file that was cut off gives an error or its disk", arguments: Compression.Method.allCases)
  func truncated(method: Compression.Method) throws {
    let (bytes, disk) = try image(method)
    var failures = 0
    for count in stride(from: 0, to: bytes.count, by: 97) {
      // What is cut may be refcounts, which reading does not need: then all bytes are right.
      if let read = try read(Array(bytes[..<count])) {
        #expect(read == disk)
      } else {
        failures += 1
      }
    }
    #expect(failures > 100)
  }

  @Test(
    "Random bytes give an error or a disk", arguments: Compression.Method.allCases,
    1...10 as ClosedRange)
  func mutated(method: Compression.Method, seed: UInt64) throws {
    let (sound, disk) = try image(method)
    var generator = SplitMix64(seed: seed)
    var failures = 0
    for _ in 0..<60 {
      var bytes = sound
      for _ in 0...generator.next() % 8 {
        let place = Int(generator.next() % UInt64(bytes.count))
        bytes[place] = UInt8(truncatingIfNeeded: generator.next())
      }
      if let read = try read(bytes) { #expect(read.count <= 4 * disk.count) } else { failures += 1 }
    }
    #expect(failures > 5)
  }

  @Test(
    "Descriptors that lead outside the file are errors", arguments: Compression.Method.allCases,
    [0, 1, 511, 512, 1 << 20, 1 << 40, 1 << 55, 1 << 60, 1 << 61 - 1] as [UInt64])
  func outside(method: Compression.Method, beyond: UInt64) throws {
    var (bytes, _) = try image(method)
    let l1 = Int(bytes.withUnsafeBytes { $0.loadBigEndian(UInt64.self, at: 40) })
    let l2 = Int(
      bytes.withUnsafeBytes { $0.loadBigEndian(UInt64.self, at: l1) } & 0x00FF_FFFF_FFFF_FE00)
    let host = min(UInt64(bytes.count) + beyond, 1 << 61 - 1)
    for flags in [1 << 62, 3 << 61, 7 << 61, 3 << 62] as [UInt64] {
      bytes.withUnsafeMutableBytes { $0.storeBigEndian(flags | host, at: l2) }
      #expect(try read(bytes) == nil)
    }
  }
}
