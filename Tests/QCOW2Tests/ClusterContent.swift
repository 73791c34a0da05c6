import DiskImage
import QCOW2
import TestSupport

/// What clusters may hold, from what nearly vanishes to what cannot be made smaller.
enum ClusterContent: CaseIterable {
  case oneByte, text, fewLetters, noise

  /// A cluster of so many bytes; the same ones for the same seed.
  func bytes(count: Int, seed: UInt64 = 1) -> [UInt8] {
    var generator = SplitMix64(seed: seed)
    switch self {
    case .oneByte:
      var bytes = [UInt8](repeating: 0, count: count)
      bytes[Int(generator.next() % UInt64(count))] = 1
      return bytes
    case .text:
      let words = ["option", "listen", "=", "true\n", "# what follows is", "127.0.0.1", "\n", " "]
      var bytes: [UInt8] = []
      while bytes.count < count { bytes += Array(words.randomElement(using: &generator)!.utf8) }
      return Array(bytes[..<count])
    case .fewLetters:
      return (0..<count).map { _ in UInt8(generator.next() % 3) }
    case .noise:
      return RawImage.noise(count: count, seed: seed)
    }
  }
}

extension Compression {
  /// The sizes that a cluster may have.
  static let clusterSizes = (9...21).map { 1 << $0 }

  /// A method's lowest, default and highest level.
  static func levels(of method: Method) -> [Compression] {
    [method.levels.lowerBound, nil, method.levels.upperBound].compactMap {
      Compression(method, level: $0)
    }
  }

  /// One cluster compressed into exactly the room that is promised to be enough.
  func compressed(_ cluster: [UInt8]) throws -> [UInt8] {
    let compressor = try ClusterCompressor(self, clusterSize: cluster.count)
    return try compressor.compressed(cluster)
  }
}

extension ClusterCompressor {
  /// One cluster compressed into exactly the room that is promised to be enough.
  func compressed(_ cluster: [UInt8]) throws -> [UInt8] {
    var output = [UInt8](repeating: 0xEE, count: Compression.bound(clusterSize: cluster.count))
    let count = try cluster.withUnsafeBytes { cluster in
      try output.withUnsafeMutableBytes { try compress(cluster, into: $0) }
    }
    return Array(output[..<count])
  }
}

extension ClusterDecompressor {
  /// One cluster of so many bytes restored.
  func restored(_ data: [UInt8], count: Int) throws -> [UInt8] {
    var cluster = [UInt8](repeating: 0xDD, count: count)
    try data.withUnsafeBytes { data in
      try cluster.withUnsafeMutableBytes { try decompress(data, into: $0) }
    }
    return cluster
  }
}
