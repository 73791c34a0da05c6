/// Clusters of many kinds, and how often each occurs.
extension RawImage {
  /// Clusters in a seeded order: zeros, texts, nearly zeros, noise, and many of them repeated.
  public static func mixtureWithTexts(clusters: Int, size: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(clusters * size)
    for index in 0..<clusters {
      let isRepeated = random.next() % 3 == 0
      let number = isRepeated ? random.next() % 20 : UInt64(index) + 100
      switch random.next() % 4 {
      case 0:
        bytes += [UInt8](repeating: 0, count: size)
      case 1:
        bytes += noise(count: size, seed: number)
      case 2:
        let line = Array("option_\(number) = \(number &* number)\n".utf8)
        for offset in 0..<size { bytes.append(line[offset % line.count]) }
      default:
        let start = noise(count: min(size, 40), seed: number)
        bytes += start + [UInt8](repeating: 0, count: size - start.count)
      }
    }
    return bytes
  }

  /// Clusters that begin with their number and go on with one byte: no two are equal, and all shrink.
  public static func numbered(clusters: Int, size: Int) -> [UInt8] {
    (0..<clusters).flatMap { cluster -> [UInt8] in
      let name = Array("cluster \(cluster) ".utf8)
      return name + [UInt8](repeating: UInt8(cluster % 251), count: size - name.count)
    }
  }

  /// How often each cluster that is not zero is in `bytes`.
  public static func occurrences(in bytes: [UInt8], clusterSize: Int) -> [[UInt8]: UInt64] {
    var counts: [[UInt8]: UInt64] = [:]
    for start in stride(from: 0, to: bytes.count, by: clusterSize) {
      var cluster = Array(bytes[start..<min(start + clusterSize, bytes.count)])
      guard cluster.contains(where: { $0 != 0 }) else { continue }
      cluster += [UInt8](repeating: 0, count: clusterSize - cluster.count)
      counts[cluster, default: 0] += 1
    }
    return counts
  }
}
