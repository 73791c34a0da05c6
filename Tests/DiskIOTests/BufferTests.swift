import DiskIO
import Glibc
import SystemPackage
import Testing

/// Memory that has one owner.
@Suite struct BufferTests {
  @Test("An aligned buffer has its size and begins a page", arguments: [0, 1, 4095, 4096, 1 << 20])
  func aligned(count: Int) throws {
    let buffer = try AlignedBuffer(byteCount: count, purpose: "a test")
    #expect(buffer.bytes.count == count)
    #expect(Int(bitPattern: buffer.bytes.baseAddress) % 4096 == 0)
    buffer.bytes.initializeMemory(as: UInt8.self, repeating: 0xA5)
    #expect(buffer.bytes.allSatisfy { $0 == 0xA5 })
  }

  @Test("More memory than there is gives an error", arguments: [Int.max, Int.max - 4096, 1 << 60])
  func alignedTooLarge(count: Int) {
    let error = #expect(throws: IOError.self) {
      _ = try AlignedBuffer(byteCount: count, purpose: "a test").bytes
    }
    #expect(error == IOError(allocating: "a test"))
    #expect(error?.description == "cannot allocate memory for a test: Cannot allocate memory")
  }

  @Test(
    "A zeroed buffer reads as zeros and can be written",
    arguments: [1, 4096, 10_000, 2 << 20, 5_000_001])
  func zeroed(count: Int) throws {
    let buffer = try ZeroedBuffer(byteCount: count, purpose: "a test")
    #expect(buffer.bytes.count == count)
    #expect(buffer.bytes.allSatisfy { $0 == 0 })
    buffer.bytes[count - 1] = 1
    #expect(buffer.bytes.last == 1)
  }

  @Test(
    "A zeroed buffer beyond the machine's memory is an error", arguments: [Int.max, 1 << 60, 0, -1])
  func zeroedTooLarge(count: Int) {
    let error = #expect(throws: IOError.self) {
      _ = try ZeroedBuffer(byteCount: count, purpose: "a test").bytes
    }
    #expect(error == IOError(allocating: "a test"))
  }

  @Test("What the same purpose takes already counts against the machine's memory")
  func zeroedBesides() {
    // A virtual machine's memory may grow and shrink at any time, hence a quarter more and less.
    let most = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    let error = #expect(throws: IOError.self) {
      _ = try ZeroedBuffer(byteCount: 4096, purpose: "a test", besides: most / 4 * 5).bytes
    }
    #expect(error == IOError(allocating: "a test"))
    #expect(throws: Never.self) {
      _ = try ZeroedBuffer(byteCount: 4096, purpose: "a test", besides: most / 4 * 3).bytes
    }
  }

  @Test("What is given back of a zeroed buffer reads as zeros, the rest stays")
  func zeroedDiscard() throws {
    let buffer = try ZeroedBuffer(byteCount: 3 << 20, purpose: "a test")
    buffer.bytes.initializeMemory(as: UInt8.self, repeating: 7)
    buffer.discard(upTo: 2 << 20)
    #expect(buffer.bytes[..<(2 << 20)].allSatisfy { $0 == 0 })
    #expect(buffer.bytes[(2 << 20)...].allSatisfy { $0 == 7 })
  }
}
