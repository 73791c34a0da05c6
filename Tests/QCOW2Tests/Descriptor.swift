/// A compressed cluster descriptor by the words of QEMU's `docs/interop/qcow2.rst`, calculated
/// without the product's code.
struct Descriptor {
  let clusterBits: Int

  /// The number of bits that the host offset has: x in the specification.
  var offsetBits: Int { 62 - (clusterBits - 8) }

  /// The largest number of additional sectors that can be said.
  var mostSectors: UInt64 { UInt64(1 << (62 - offsetBits)) - 1 }

  /// How many sectors after the first one the bytes touch.
  func additionalSectors(host: UInt64, byteCount: Int) -> UInt64 {
    (host + UInt64(byteCount) - 1) / 512 - host / 512
  }

  /// The whole L2 entry.
  func entry(host: UInt64, byteCount: Int) -> UInt64 {
    let sectors = additionalSectors(host: host, byteCount: byteCount)
    return 0x4000_0000_0000_0000 + sectors * (UInt64(1) << UInt64(offsetBits)) + host
  }

  /// The numbers of the host clusters that the entry's sectors touch.
  func hostClusters(host: UInt64, byteCount: Int) -> ClosedRange<UInt64> {
    let lastSector = host / 512 + additionalSectors(host: host, byteCount: byteCount)
    let size = UInt64(1) << UInt64(clusterBits)
    return host / size...(lastSector * 512 + 511) / size
  }
}
