import QCOW2
import TestSupport
import Testing

/// Clusters that are compressed and restored.
@Suite struct ClusterCompressionTests {
  @Test(
    "Whatever a cluster holds comes back, and fits the promised room",
    arguments: Compression.Method.allCases, Compression.clusterSizes)
  func roundTrip(method: Compression.Method, size: Int) throws {
    let decompressor = try ClusterDecompressor(method)
    let levels = Compression.levels(of: method)
    try #require(levels.count == 3)
    for content in ClusterContent.allCases {
      let cluster = content.bytes(count: size)
      for compression in levels {
        let compressor = try ClusterCompressor(compression, clusterSize: size)
        let data = try compressor.compressed(cluster)
        let name = "\(content), level \(compression.level ?? 0)"
        #expect(!data.isEmpty && data.count <= Compression.bound(clusterSize: size), "\(name)")
        #expect(try decompressor.restored(data, count: size) == cluster, "\(name)")
        if content != .noise { #expect(data.count < size * 2 / 3, "\(name)") }
      }
    }
  }

  @Test(
    "The same cluster gives the same bytes, whatever was compressed before",
    arguments: Compression.Method.allCases, [4096, 8192])
  func sameBytes(method: Compression.Method, size: Int) throws {
    for compression in Compression.levels(of: method) {
      let compressor = try ClusterCompressor(compression, clusterSize: size)
      for seed in 1...20 as ClosedRange<UInt64> {
        let content = ClusterContent.allCases[Int(seed) % ClusterContent.allCases.count]
        let cluster = content.bytes(count: size, seed: seed)
        #expect(try compressor.compressed(cluster) == compression.compressed(cluster))
      }
    }
  }

  @Test(
    "Stored deflate blocks hold any cluster in the promised room",
    arguments: Compression.clusterSizes)
  func stored(size: Int) throws {
    let cluster = RawImage.noise(count: size, seed: 5)
    let bound = Compression.bound(clusterSize: size)
    let data = [UInt8](unsafeUninitializedCapacity: bound) { room, count in
      count = cluster.withUnsafeBytes {
        ClusterCompressor.store($0, into: UnsafeMutableRawBufferPointer(room))
      }
    }
    #expect(data.count == size + 5 * ((size + 65_534) / 65_535))
    #expect(try ClusterDecompressor(.zlib).restored(data, count: size) == cluster)
  }

  @Test("What follows the data is ignored", arguments: Compression.Method.allCases)
  func trailing(method: Compression.Method) throws {
    let compression = try #require(Compression(method))
    let decompressor = try ClusterDecompressor(method)
    for (index, content) in ClusterContent.allCases.enumerated() {
      let cluster = content.bytes(count: 4096)
      let data = try compression.compressed(cluster)
      let garbage = RawImage.noise(count: 1 + 300 * index, seed: 7)
      #expect(try decompressor.restored(data + garbage, count: 4096) == cluster)
      #expect(try decompressor.restored(data + data, count: 4096) == cluster)
      #expect(try decompressor.restored(data + [0], count: 4096) == cluster)
    }
  }

  @Test(
    "Data that restores too much or too little is damaged", arguments: Compression.Method.allCases)
  func otherSize(method: Compression.Method) throws {
    let compression = try #require(Compression(method))
    let decompressor = try ClusterDecompressor(method)
    for content in ClusterContent.allCases {
      let cluster = content.bytes(count: 4096)
      let data = try compression.compressed(cluster)
      for count in [512, 2048, 4095, 4097, 8192] {
        #expect(throws: CompressionError.damaged, "\(content), \(count)") {
          try decompressor.restored(data, count: count)
        }
      }
      // A decompressor that has failed goes on to work.
      #expect(try decompressor.restored(data, count: 4096) == cluster)
    }
  }

  @Test("Data that is cut off anywhere is damaged", arguments: Compression.Method.allCases)
  func truncated(method: Compression.Method) throws {
    let compression = try #require(Compression(method))
    let decompressor = try ClusterDecompressor(method)
    for content in ClusterContent.allCases {
      let data = try compression.compressed(content.bytes(count: 1024))
      for count in 0..<data.count {
        #expect(throws: CompressionError.damaged, "\(content), \(count) of \(data.count)") {
          try decompressor.restored(Array(data[..<count]), count: 1024)
        }
      }
    }
  }

  @Test("No data at all is damaged", arguments: Compression.Method.allCases)
  func nothing(method: Compression.Method) throws {
    let decompressor = try ClusterDecompressor(method)
    var cluster = [UInt8](repeating: 0, count: 512)
    #expect(throws: CompressionError.damaged) {
      try cluster.withUnsafeMutableBytes {
        try decompressor.decompress(UnsafeRawBufferPointer(start: nil, count: 0), into: $0)
      }
    }
  }

  @Test(
    "Random damage gives an error or some cluster, and does no harm to the next",
    arguments: Compression.Method.allCases)
  func mutated(method: Compression.Method) throws {
    let compression = try #require(Compression(method))
    let decompressor = try ClusterDecompressor(method)
    let cluster = ClusterContent.text.bytes(count: 4096)
    let sound = try compression.compressed(cluster)
    var generator = SplitMix64(seed: 3)
    var damaged = 0
    for _ in 0..<3000 {
      var data = sound
      for _ in 0...generator.next() % 6 {
        let place = Int(generator.next() % UInt64(data.count))
        data[place] = UInt8(truncatingIfNeeded: generator.next())
      }
      do {
        #expect(try decompressor.restored(data, count: 4096).count == 4096)
      } catch {
        #expect(error as? CompressionError == .damaged)
        damaged += 1
      }
    }
    #expect(damaged > 1000)
    #expect(try decompressor.restored(sound, count: 4096) == cluster)
  }

  @Test("Noise is not cluster data", arguments: Compression.Method.allCases)
  func noise(method: Compression.Method) throws {
    let decompressor = try ClusterDecompressor(method)
    for seed in 1...2000 as ClosedRange<UInt64> {
      let data = RawImage.noise(count: Int(seed % 700) + 1, seed: seed)
      #expect(throws: CompressionError.damaged) { try decompressor.restored(data, count: 65_536) }
    }
  }

  @Test("A level that a method has not is refused")
  func levels() {
    for level in [Int.min, -1, 0, 10, 23, Int.max] {
      #expect(Compression(.zlib, level: level) == nil)
      #expect((Compression(.zstd, level: level) == nil) == (level != 10))
    }
  }

  @Test(
    "Without a level the cluster size chooses one", arguments: Compression.clusterSizes,
    [Compression.DeflateWindow.standard, .largest])
  func defaultLevel(clusterSize: Int, window: Compression.DeflateWindow) throws {
    let cluster = Array(
      RawImage.mixtureWithTexts(clusters: clusterSize >> 9, size: 512, seed: 3)[..<clusterSize])
    func size(_ method: Compression.Method, _ level: Int?) throws -> Int {
      let compression = try #require(Compression(method, level: level, deflateWindow: window))
      return try compression.compressed(cluster).count
    }
    let isFast = clusterSize == 16_384 || clusterSize > 16_384 && window == .largest
    #expect(try size(.zlib, nil) == size(.zlib, isFast ? 2 : 6))
    if clusterSize >= 16_384 { #expect(try size(.zlib, 2) != size(.zlib, 6)) }
    #expect(try size(.zstd, nil) == size(.zstd, 3))
  }
}
