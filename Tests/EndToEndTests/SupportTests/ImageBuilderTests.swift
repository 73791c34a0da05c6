import SystemPackage
import TestSupport
import Testing

/// The images that the tests are made of.
@Suite struct ImageBuilderTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test("SplitMix64 gives the numbers of its reference implementation")
  func splitmix64GivesNumbersOfItsReference() {
    var random = SplitMix64(seed: 1_234_567)
    #expect(random.next() == 6_457_827_717_110_365_317)
    #expect(random.next() == 3_203_168_211_198_807_973)
  }

  @Test("A seeded file system is sound")
  func seededFileSystemIsSound() throws {
    let image = folder.file("a.img")
    try Ext4Image.make(at: image, mebibytes: 24, seed: 1)
    try Command.system("e2fsck", ["-fn", image.string]).run().expectingExit(0)
  }

  @Test("Noise of any length is the same for the same seed alone")
  func noiseOfAnyLengthIsSameForSameSeedAlone() {
    #expect(RawImage.noise(count: 1003, seed: 1) == RawImage.noise(count: 1003, seed: 1))
    #expect(RawImage.noise(count: 1003, seed: 1) != RawImage.noise(count: 1003, seed: 2))
    #expect(RawImage.noise(count: 3, seed: 1).count == 3)
  }

  @Test("A sparse file takes no room for its holes")
  func sparseFileTakesNoRoomForItsHoles() throws {
    let file = folder.file("sparse.img")
    try RawImage.sparse(at: file, size: 1 << 40, islands: [1 << 39: [1]])
    #expect(try RawImage.size(of: file) == 1 << 40)
    let blocks = try Command("stat", ["-c", "%b", file.string]).run().expectingExit(0).output
    #expect(Int(blocks.split(separator: "\n")[0]) ?? .max < 1024)
  }
}
