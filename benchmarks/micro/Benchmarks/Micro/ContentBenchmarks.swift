import Benchmark
import DedupStore
import DiskIO
@_spi(Benchmarks) import QDedupKit

/// What is done to the bytes of a cluster, which the processor's cache holds.
func contentBenchmarks() {
  for size in [4096, 65_536] {
    Benchmark(
      "digest of \(size / 1024) KiB",
      closure: { benchmark, memory in
        let bytes = UnsafeRawBufferPointer(memory.bytes)
        for _ in benchmark.scaledIterations { blackHole(Digest(of: bytes)) }
      },
      setup: { try ClusterMemory(byteCount: size, repeating: 0xA5) })
  }

  Benchmark(
    "zero test of 4 KiB of zeros",
    closure: { benchmark, memory in
      let bytes = UnsafeRawBufferPointer(memory.bytes)
      for _ in benchmark.scaledIterations { blackHole(bytes.isAllZeros) }
    },
    setup: { try ClusterMemory(byteCount: 4096, repeating: 0) })
}

/// The bytes of one cluster.
private final class ClusterMemory {
  private let buffer: AlignedBuffer

  /// The bytes.
  var bytes: UnsafeMutableRawBufferPointer { buffer.bytes }

  init(byteCount: Int, repeating byte: UInt8) throws(IOError) {
    buffer = try AlignedBuffer(byteCount: byteCount, purpose: "a cluster")
    buffer.bytes.initializeMemory(as: UInt8.self, repeating: byte)
  }
}
