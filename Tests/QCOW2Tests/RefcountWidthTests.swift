import QCOW2
import SystemPackage
import Testing
import TestSupport

/// Images in which a cluster is shared very often.
@Suite struct RefcountWidthTests {
  let scratch: TemporaryDirectory
  init() throws { scratch = try TemporaryDirectory() }

  @Test(
    "The width follows the highest count, and QEMU takes a snapshot either way",
    arguments: [(32_767, RefcountWidth.bits16), (32_768, .bits32)])
  func width(references: Int, expected: RefcountWidth) throws {
    let image = try WrittenImage(scratch, clusterSize: 512, virtualSize: 512 * references)
    let host = try image.store(7, at: 0)
    for cluster in 1..<references { try image.share(host, at: cluster) }
    let finished = try image.finish()
    #expect(finished.highestReferenceCount == UInt32(references))
    #expect(finished.refcountWidth == expected)
    try QemuImage.run(["snapshot", "-c", "one", image.path.string]).expectingExit(0)
    try QemuImage(image.path).check().expectingExit(0)
  }

  @Test("A count that came back below the boundary leaves the width narrow")
  func lowered() throws {
    let image = try WrittenImage(scratch, clusterSize: 4096, virtualSize: 1 << 20)
    let host = try image.store(7, at: 0)
    for _ in 0..<40_000 { image.claim(host) }
    for _ in 0..<39_999 { image.release(host) }
    try image.map(3, to: host)
    let finished = try image.finish()
    #expect(finished.refcountWidth == .bits16)
    #expect(finished.highestReferenceCount == 2)
  }

  @Test("A run of clusters beyond what refcounts can count is refused, and nothing is taken")
  func tooMany() throws {
    let image = try WrittenImage(scratch, clusterSize: 512, virtualSize: 1 << 20)
    for count in [1 << 28, UInt64.max] {
      let error = #expect(throws: ImageWriterError.self) {
        try image.writer.allocate(clusters: count)
      }
      let expected = ImageWriterError.fileTooLarge(
        clusters: count &+ 2, clusterSize: 512, refcountBits: 16, limit: 1 << 28)
      #expect(error == expected)
    }
    #expect(image.writer.end == HostOffset(1024))
    try image.store(1, at: 0)
    try image.finish()
  }
}
