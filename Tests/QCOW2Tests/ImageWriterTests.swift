import DiskIO
import DiskImage
import QCOW2
import TestSupport
import Testing

/// Small images, written directly, and what QEMU says of them.
@Suite struct ImageWriterTests {
  let scratch: TemporaryDirectory
  init() throws { scratch = try TemporaryDirectory() }

  @Test(
    "Disks without any data are written", arguments: [512, 65_536, 2 << 20], [0, 512, 5 << 20])
  func empty(clusterSize: Int, virtualSize: Int) throws {
    let image = try WrittenImage(scratch, clusterSize: clusterSize, virtualSize: virtualSize)
    let finished = try image.finish()
    #expect(finished.refcountWidth == .bits16)
    #expect(finished.highestReferenceCount == 1)
  }

  @Test("A disk may end inside its last cluster")
  func partialCluster() throws {
    let image = try WrittenImage(scratch, clusterSize: 4096, virtualSize: 3 * 4096 + 512)
    let host = try image.store(7, at: 0)
    try image.share(host, at: 3)
    try image.finish()
  }

  @Test("Clusters are shared within a table and across tables", arguments: [512, 4096])
  func shares(clusterSize: Int) throws {
    let perTable = clusterSize / 8
    let image = try WrittenImage(
      scratch, clusterSize: clusterSize, virtualSize: 5 * perTable * clusterSize)
    let first = try image.store(1, at: 0)
    let second = try image.store(2, at: 1)
    try image.share(first, at: 2)
    try image.store(3, at: perTable)
    // Both tables before are written; the first one's flag of `second` must be put right.
    try image.share(second, at: 3 * perTable + 5)
    try image.share(second, at: 5 * perTable - 1)
    let finished = try image.finish()
    #expect(finished.highestReferenceCount == 3)
  }

  @Test("A reference may be taken back after its table was written")
  func lowered() throws {
    let image = try WrittenImage(scratch, clusterSize: 512, virtualSize: 512 * 300)
    let first = try image.store(1, at: 0)
    image.claim(first)
    try image.store(2, at: 64)
    // The first table is written now, without COPIED.
    try image.store(3, at: 128)
    image.release(first)
    try image.store(4, at: 299)
    let finished = try image.finish()
    #expect(finished.highestReferenceCount == 1)
  }

  @Test("Clusters that nothing refers to are no leaks")
  func unreferenced() throws {
    let image = try WrittenImage(scratch, clusterSize: 4096, virtualSize: 1 << 20)
    try image.store(1, at: 0)
    let hidden = try image.writer.allocate(clusters: 100)
    #expect(image.writer.references(to: ClusterMapping(standard: hidden)) == 0)
    #expect(image.writer.end.bytes == hidden.bytes + 100 * 4096)
    try image.store(2, at: 1)
    try image.finish()
  }

  @Test("Random images are sound and hold what was written", arguments: [512, 4096, 65_536], 1...3)
  func random(clusterSize: Int, seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let clusters = min(1200, 8 << 20 / clusterSize)
    let image = try WrittenImage(
      scratch, clusterSize: clusterSize, virtualSize: clusters * clusterSize)
    var hosts: [HostOffset] = []
    var claims: [HostOffset] = []
    for cluster in 0..<clusters {
      switch generator.next() % 20 {
      case 0..<6:
        hosts.append(try image.store(UInt8(truncatingIfNeeded: generator.next()), at: cluster))
      case 6..<12:
        guard let host = hosts.randomElement(using: &generator) else { break }
        try image.share(host, at: cluster)
      case 12:
        guard let host = hosts.randomElement(using: &generator) else { break }
        image.claim(host)
        claims.append(host)
      case 13:
        guard let host = claims.popLast() else { break }
        image.release(host)
      case 14:
        guard let host = claims.popLast() else { break }
        try image.map(cluster, to: host)
      case 15:
        _ = try image.writer.allocate(clusters: generator.next() % 4)
      default:
        break
      }
    }
    for host in claims { image.release(host) }
    try image.finish()
  }
}
