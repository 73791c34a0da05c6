import DiskIO
import DiskImage
import QCOW2
import SystemPackage
import Testing
import TestSupport

/// Where guest bytes stand, by tables that the tests write byte by byte.
@Suite struct ClusterTablesTests {
  let scratch: TemporaryDirectory

  init() throws {
    scratch = try TemporaryDirectory()
  }

  /// An image with clusters of 16 KiB, its L1 table in cluster 1 and its L2 table in cluster 2.
  private func tables(
    _ features: UInt64 = 0, l1: [UInt64] = [0x8000], l2: [UInt64], clusters: Int = 8,
    size: UInt64 = 1 << 20
  ) throws -> ClusterTables {
    var bytes: [UInt8] = [0x51, 0x46, 0x49, 0xFB, 0, 0, 0, 3]
    bytes += [UInt8](repeating: 0, count: 12)
    bytes.append(bigEndian: 14 as UInt32)
    bytes.append(bigEndian: size)
    bytes.append(bigEndian: 0 as UInt32)
    bytes.append(bigEndian: UInt32(l1.count))
    bytes.append(bigEndian: 0x4000 as UInt64)
    bytes += [UInt8](repeating: 0, count: 24)
    bytes.append(bigEndian: features)
    bytes += [UInt8](repeating: 0, count: 16)
    bytes.append(bigEndian: 4 as UInt32)
    bytes.append(bigEndian: 104 as UInt32)
    for (offset, words) in [(0x4000, l1), (0x8000, l2)] {
      bytes += [UInt8](repeating: 0, count: offset - bytes.count)
      for word in words { bytes.append(bigEndian: word) }
    }
    bytes += [UInt8](repeating: 0, count: max(0, clusters << 14 - bytes.count))
    let path = try scratch.make("tables.qcow2", bytes)
    let file = try ImageFile(try OwnedFile(readingFrom: path))
    return try ClusterTables(try ImageMetadata(file), file: file)
  }

  private func runs(_ tables: ClusterTables, from start: UInt64 = 0) throws -> [MappedRun] {
    var (offset, runs) = (start, [MappedRun]())
    while offset < tables.virtualSize {
      let run = try tables.run(at: GuestOffset(offset), limit: tables.virtualSize - offset)
      try #require(run.byteCount > 0 && run.byteCount <= tables.virtualSize - offset)
      runs.append(run)
      offset += run.byteCount
    }
    return runs
  }

  @Test("Neighbours of one kind are one run")
  func standard() throws {
    let l2: [UInt64] = [0xC000, 0x8000_0000_0001_0000, 0x1_8000, 0, 0, 1, 0xC001, 0xC000]
    let runs = try runs(tables(l2: l2, size: 9 << 14))
    #expect(
      runs == [
        MappedRun(.standard(HostOffset(0xC000)), 2 << 14),
        MappedRun(.standard(HostOffset(0x1_8000)), 1 << 14), MappedRun(.unallocated, 2 << 14),
        MappedRun(.zero, 2 << 14), MappedRun(.standard(HostOffset(0xC000)), 1 << 14),
        MappedRun(.unallocated, 1 << 14),
      ])
  }

  @Test("A run begins and ends inside a cluster where it is asked to")
  func inside() throws {
    let tables = try tables(l2: [0, 0xC000])
    #expect(
      try tables.run(at: GuestOffset(0x4200), limit: 100)
        == MappedRun(.standard(HostOffset(0xC200)), 100))
    let mapping = UInt64(1) << 62 | 0xC123
    let compressed = try self.tables(l2: [0, mapping])
    let run = try compressed.run(at: GuestOffset(0x4200), limit: 1 << 20)
    guard case .compressed(let cluster, from: 0x200) = run.place else {
      Issue.record("\(run)")
      return
    }
    #expect(run.byteCount == 0x4000 - 0x200 && cluster.entry == mapping)
  }

  @Test("Each part of a cluster may be of its own kind")
  func subclusters() throws {
    // Subclusters of 512: 0 and 1 allocated, 2 zeros, 3 unallocated, 4 allocated, the rest not.
    let bitmap: UInt64 = 0b10011 | 0b100 << 32
    let l2: [UInt64] = [0xC000, bitmap, 0, 1 << 32, 0x1_0000, 0xFFFF_FFFF]
    let runs = try runs(tables(1 << 4, l2: l2, size: 3 << 14))
    #expect(
      runs == [
        MappedRun(.standard(HostOffset(0xC000)), 1024), MappedRun(.zero, 512),
        MappedRun(.unallocated, 512), MappedRun(.standard(HostOffset(0xC800)), 512),
        MappedRun(.unallocated, 27 * 512), MappedRun(.zero, 512),
        MappedRun(.unallocated, 31 * 512), MappedRun(.standard(HostOffset(0x1_0000)), 1 << 14),
      ])
  }

  @Test(
    "Tables that say what cannot be are refused",
    arguments: [
      (0, [0x8000], [0xC200], "a cluster at byte 49664"), (0, [0x8200], [0], "L1 entry 0 names"),
      (16, [0x8000], [0xC000, 1 << 32 | 1], "both allocated and zeros"),
      (16, [0x8000], [0, 1], "allocated subclusters of a cluster that is not"),
      (0, [1 << 50], [0], "an L2 table: 16384 bytes at byte 1125899906842624"),
      (0, [0x2_0000], [0], "an L2 table"),
    ] as [(UInt64, [UInt64], [UInt64], String)])
  func impossible(features: UInt64, l1: [UInt64], l2: [UInt64], message: String) throws {
    let tables = try tables(features, l1: l1, l2: l2)
    let error = #expect(throws: ImageError.self) { try runs(tables) }
    #expect(error?.description.contains(message) == true, "\(String(describing: error))")
  }

  @Test("An L1 table that is its own L2 table ends in bytes or an error, not in a trap")
  func overlapping() throws {
    // The L1 table's piece has 8 bytes, the L2 table's at the same place 16 KiB.
    let tables = try tables(l1: [0x4000], l2: [], size: 1 << 20)
    let runs = try runs(tables)
    #expect(runs.first == MappedRun(.standard(HostOffset(0x4000)), 1 << 14))
  }

  @Test("Runs do not depend on where one begins to look", arguments: 0..<20 as Range<UInt64>)
  func anywhere(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let l2 = (0..<4096).map { _ -> UInt64 in
      [0, 1, 0xC000, 0x1_0000, 0x1_4000][Int(random.next() % 5)]
    }
    let tables = try tables(l1: [0x8000, 0, 0xC000], l2: l2, size: 96 << 20)
    for _ in 0..<200 {
      let place = GuestOffset(random.next() % tables.virtualSize)
      let run = try tables.run(at: place, limit: 1 + random.next() % 100_000)
      let entry = l2[Int((place.bytes >> 14) % 2048) + (place.bytes >= 64 << 20 ? 2048 : 0)]
      let inside = place.bytes & 0x3FFF
      switch run.place {
      case .unallocated: #expect(place.bytes >> 25 == 1 || entry == 0)
      case .zero: #expect(entry == 1)
      case .standard(let host): #expect(host.bytes == entry + inside)
      case .compressed: Issue.record("nothing is compressed")
      }
    }
  }
}
