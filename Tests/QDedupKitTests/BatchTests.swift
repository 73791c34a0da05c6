import DiskIO
import DiskImage
@_spi(Benchmarks) import QDedupKit
import Testing

/// A batch and its stages, and what counts as zeros.
@Suite struct BatchTests {
  @Test("A batch goes round its stages in one order, and back to the pool early without data")
  func stages() {
    let order: [BatchStage] = [.idle, .filled, .resolved, .prepared, .placed]
    #expect(order == BatchStage.allCases)
    for (index, stage) in order.enumerated() {
      for next in order {
        let isNext = next == order[(index + 1) % order.count]
        let isUnused = next == .idle && (stage == .idle || stage == .filled)
        #expect(stage.mayBecome(next) == (isNext || isUnused), "\(stage) to \(next)")
      }
    }
  }

  @Test("A batch that skips a stage ends the program")
  func skippedStage() async throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 4096))
    let batch = try Batch(byteCount: 1 << 18, geometry: geometry)
    batch.move(to: .filled)
    batch.move(to: .resolved)
    await #expect(processExitsWith: .failure) {
      guard let geometry = ClusterGeometry(clusterSize: 4096) else { return }
      let batch = try Batch(byteCount: 1 << 18, geometry: geometry)
      batch.move(to: .filled)
      batch.move(to: .prepared)
    }
  }

  @Test("A batch that is still in use cannot go back to the pool")
  func usedBatch() async {
    await #expect(processExitsWith: .failure) {
      guard let geometry = ClusterGeometry(clusterSize: 4096) else { return }
      let pool = BatchPool(geometry: geometry, shape: BatchShape(geometry), limit: 1)
      let batch = try pool.take()
      batch.move(to: .filled)
      batch.move(to: .resolved)
      pool.give(batch)
    }
  }

  @Test("Zeros are recognized at every count and alignment")
  func zeros() throws {
    let memory = try AlignedBuffer(byteCount: 256, purpose: "a test")
    memory.bytes.initializeMemory(as: UInt8.self, repeating: 0xFF)
    for start in [0, 1, 63] {
      for count in 0...130 {
        let part = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[start..<start + count])
        part.initializeMemory(as: UInt8.self, repeating: 0)
        if !UnsafeRawBufferPointer(part).isAllZeros { Issue.record("\(count) zeros") }
        for index in part.indices {
          part[index] = 1
          if UnsafeRawBufferPointer(part).isAllZeros { Issue.record("byte \(index) of \(count)") }
          part[index] = 0
        }
        part.initializeMemory(as: UInt8.self, repeating: 0xFF)
      }
    }
    #expect(UnsafeRawBufferPointer(start: nil, count: 0).isAllZeros)
  }
}
