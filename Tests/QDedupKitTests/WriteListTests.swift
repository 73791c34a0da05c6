import DiskIO
import QCOW2
import QDedupKit
import Testing
import TestSupport

/// Which memory goes where in the output.
@Suite struct WriteListTests {
  let scratch: TemporaryDirectory
  init() throws { scratch = try TemporaryDirectory() }

  @Test("Everything is written to its place, in any order of memory and file")
  func write() throws {
    let size = 512
    let source = try AlignedBuffer(byteCount: 8 * size, purpose: "a test")
    for index in 0..<8 * size { source.bytes[index] = UInt8(1 + index / size) }
    func cluster(_ index: Int) -> UnsafeMutableRawBufferPointer {
      UnsafeMutableRawBufferPointer(rebasing: source.bytes[index * size..<(index + 1) * size])
    }
    var list = WriteList(clusterCount: 8)
    // Joined in memory and file; in the file alone; in memory alone; in neither; before the others.
    let places = [(0, 10), (1, 11), (3, 12), (4, 14), (7, 16), (2, 8)]
    var expected = [UInt8](repeating: 0, count: 17 * size)
    for (index, place) in places {
      list.append(cluster(index), at: HostOffset(UInt64(place * size)))
      expected.replaceSubrange(
        place * size..<(place + 1) * size, with: repeatElement(UInt8(index + 1), count: size))
    }
    let path = scratch.file("written")
    let output = try AtomicFile(replacing: path)
    try list.write(to: output.file)
    try output.publish(replacing: false, sync: false)
    #expect(try TemporaryDirectory.content(of: path) == expected)
  }
}
