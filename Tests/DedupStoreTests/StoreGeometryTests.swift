import DedupStore
import Testing

@Suite struct StoreGeometryTests {
  /// The table of the format document: order, entries, tag, filter, table and incarnation bytes.
  static let table = [
    [1, 8, 2, 4096, 4096, 8192],
    [8, 1024, 2, 4096, 36864, 40960],
    [10, 4096, 2, 12288, 135168, 147456],
    [14, 65536, 2, 135168, 2_101_248, 2_236_416],
    [15, 131072, 2, 266240, 4_198_400, 4_464_640],
    [16, 262144, 4, 1_052_672, 8_392_704, 9_445_376],
    [20, 4_194_304, 4, 16_781_312, 134_221_824, 151_003_136],
  ]

  @Test("S1 S2 S3 S4 S5: sizes follow from the order", arguments: table)
  func sizes(row: [Int]) throws {
    let geometry = try StoreGeometry(order: row[0])
    #expect(geometry.bucketCount == 1 << row[0])
    #expect(geometry.entryCount == row[1])
    #expect(geometry.tagBytes == row[2])
    #expect(geometry.filterBytes == row[3])
    #expect(geometry.tableBytes == row[4])
    #expect(geometry.incarnationBytes == row[5])
  }

  @Test("S3: a bucket never spans two store clusters")
  func s03EntriesPerStoreCluster() {
    #expect(StoreGeometry.entriesPerStoreCluster == 128)
    #expect(StoreGeometry.entriesPerStoreCluster % StoreGeometry.slotsPerBucket == 0)
  }

  @Test("S2: the filter area ends with 64 bytes that no tag uses", arguments: 1...31)
  func s02RoomForTheTrailer(order: Int) throws {
    let geometry = try StoreGeometry(order: order)
    #expect(geometry.filterBytes - geometry.allTagsBytes >= 64)
    #expect(geometry.filterBytes % 4096 == 0)
    #expect(geometry.tableBytes % 4096 == 0)
  }

  @Test("S1: an order out of range is an error that says so", arguments: [Int.min, -1, 0, 32, 64])
  func invalidOrder(order: Int) {
    let error = #expect(throws: StoreError.self) { try StoreGeometry(order: order) }
    #expect(error?.description == "invalid hash store order \(order): must be 1 to 31")
  }

  @Test("S26: the entry of a slot begins in the store cluster of its index")
  func s26TableOffset() throws {
    let geometry = try StoreGeometry(order: 14)
    #expect(geometry.tableOffset(ofSlot: 0) == 0)
    #expect(geometry.tableOffset(ofSlot: 127) == 127 * 32)
    #expect(geometry.tableOffset(ofSlot: 128) == 4096)
    #expect(geometry.tableOffset(ofSlot: 65535) == 511 * 4096 + 127 * 32)
  }

  @Test(
    "S9: the order follows from the data clusters of the input",
    arguments: [
      (nil, 16), (0, 1), (4, 1), (5, 2), (256, 7), (480, 7), (481, 8), (30720, 13), (30721, 14),
      (7_864_320, 14), (7_864_321, 15), (1 << 28, 20), (UInt64.max, 31),
    ] as [(UInt64?, Int)])
  func s09Order(clusters: UInt64?, order: Int) {
    #expect(StoreGeometry.order(forDataClusters: clusters) == order)
  }

  @Test("S9: what counts as one incarnation nearly always fits one", arguments: 5...13)
  func s09OneIncarnation(order: Int) throws {
    let slots = 4 << order
    let count = order < 7 ? slots / 2 : slots / 16 * 15
    #expect(StoreGeometry.order(forDataClusters: UInt64(count)) == order)
    for seed in 1...20 as ClosedRange<UInt64> {
      var entries = Entries(seed: seed)
      let store = try HashStore(order: order, maxIncarnations: 0, storage: MemoryStorage())
      for _ in 0..<count { try store.insert(entries.next()) }
      #expect(store.incarnationCount == 0)
      #expect(store.statistics.entriesLeftOut == 0)
    }
  }
}
