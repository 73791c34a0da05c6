import DiskIO
import SystemPackage
import Testing
import TestSupport

/// What a failed system call leaves behind: operation, path, place and reason.
@Suite struct TransferErrorTests {
  let scratch: TemporaryDirectory
  init() throws { scratch = try TemporaryDirectory() }

  @Test("A folder cannot be read")
  func readsFolder() throws {
    let file = try OwnedFile(readingFrom: scratch.path)
    let error = #expect(throws: IOError.self) { try file.bytes(10, at: 512) }
    #expect(error == IOError(.read, scratch.path, at: 512, reason: .isDirectory))
  }

  @Test("A file that is open for reading cannot be written")
  func writesReadOnly() throws {
    let path = try scratch.make("data", [1, 2, 3])
    let file = try OwnedFile(readingFrom: path)
    let write = #expect(throws: IOError.self) { try file.write([4], at: 2) }
    #expect(write == IOError(.write, path, at: 2, reason: .badFileDescriptor))
    let truncate = #expect(throws: IOError.self) { try file.truncate(to: 1) }
    #expect(truncate == IOError(.truncate, path, at: 1, reason: .invalidArgument))
    #expect(try TemporaryDirectory.content(of: path) == [1, 2, 3])
  }

  @Test("A full disk is an error with its place")
  func full() throws {
    let file = try OwnedFile.writable("/dev/full")
    let error = #expect(throws: IOError.self) { try file.write([1], at: 77) }
    #expect(error == IOError(.write, "/dev/full", at: 77, reason: .noSpace))
    #expect(error?.description == "cannot write /dev/full at byte 77: No space left on device")
  }

  @Test("A closed descriptor fails everywhere")
  func closed() throws {
    let file = OwnedFile(owning: closedDescriptor, path: "gone")
    func reason(_ body: () throws -> Void) -> IOError? {
      #expect(throws: IOError.self, performing: body)
    }
    let bad = Errno.badFileDescriptor
    #expect(reason { _ = try file.bytes(1, at: 3) } == IOError(.read, "gone", at: 3, reason: bad))
    #expect(reason { try file.write([1], at: 3) } == IOError(.write, "gone", at: 3, reason: bad))
    #expect(reason { _ = try file.size() } == IOError(.measure, "gone", reason: bad))
    #expect(reason { _ = try file.kind() } == IOError(.measure, "gone", reason: bad))
    #expect(reason { try file.sync() } == IOError(.sync, "gone", reason: bad))
    #expect(
      reason { _ = try file.nextData(from: 5) } == IOError(.findData, "gone", at: 5, reason: bad))
    #expect(
      reason { _ = try file.nextHole(from: 5) } == IOError(.findData, "gone", at: 5, reason: bad))
    #expect(reason { try file.reportErrorsOfClosing() } == IOError(.close, "gone", reason: bad))
  }

  @Test("A place beyond any file is an error, not a trap", arguments: [1 << 63, UInt64.max])
  func tooFar(place: UInt64) throws {
    let path = scratch.file("data")
    let file = try OwnedFile.writable(path)
    let read = #expect(throws: IOError.self) { try file.bytes(1, at: place) }
    #expect(read == IOError(.read, path, at: place, reason: .fileTooLarge))
    let write = #expect(throws: IOError.self) { try file.write([1], at: place) }
    #expect(write == IOError(.write, path, at: place, reason: .fileTooLarge))
    let gather = #expect(throws: IOError.self) {
      try GatheringTests.withPieces(of: [1], lengths: [1]) { pieces in
        try file.write(gathering: pieces, at: place)
      }
    }
    #expect(gather == IOError(.write, path, at: place, reason: .fileTooLarge))
    let seek = #expect(throws: IOError.self) { try file.nextData(from: place) }
    #expect(seek == IOError(.findData, path, at: place, reason: .fileTooLarge))
    let truncate = #expect(throws: IOError.self) { try file.truncate(to: place) }
    #expect(truncate == IOError(.truncate, path, at: place, reason: .fileTooLarge))
  }
}
