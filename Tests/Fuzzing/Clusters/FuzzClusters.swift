import QCOW2

/// Fuzzes the decompression of a cluster. The input's first byte tells the method and the size of
/// the cluster, the rest is the compressed data.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzClusters(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let bytes, count > 1 else { return -1 }
  let data = UnsafeRawBufferPointer(start: bytes + 1, count: count - 1)
  let methods = Compression.Method.allCases
  let method = methods[Int(bytes[0]) % methods.count]
  let clusterSize = 512 << (Int(bytes[0]) / methods.count % 8)
  do {
    let decompressor = try ClusterDecompressor(method)
    let cluster = UnsafeMutableRawBufferPointer.allocate(byteCount: clusterSize, alignment: 16)
    defer { cluster.deallocate() }
    // The second time through a context that has seen the data, whole or damaged.
    for _ in 0..<2 {
      do { try decompressor.decompress(data, into: cluster) } catch {
        precondition(error == .damaged)
      }
    }
  } catch {
    return -1
  }
  return 0
}
