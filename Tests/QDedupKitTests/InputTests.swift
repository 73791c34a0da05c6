import DedupStore
import DiskIO
import DiskImage
import Foundation
import Glibc
import QDedupKit
import SystemPackage
import Testing
import TestSupport

/// Inputs that are refused, and outputs that stand in the way, as a conversion meets them.
@Suite struct InputTests {
  @Test("An input that does not exist is refused")
  func missing() throws {
    var trial = try Trial([])
    trial.options.input.source = .file(trial.scratch.file("missing"))
    #expect(try trial.failure()?.hasSuffix("missing: No such file or directory") == true)
  }

  @Test("A folder and a device are no images")
  func notAnImage() throws {
    var trial = try Trial([])
    let inputs: [(FilePath, FileKind)] = [(trial.scratch.path, .directory), ("/dev/null", .other)]
    for (path, kind) in inputs {
      trial.options.input.source = .file(path)
      #expect(try trial.failure() == ImageError.notAnImage(path, kind).description)
    }
  }

  @Test("Another format is refused, unless it is to be taken as raw", arguments: [true, false])
  func format(isPipe: Bool) throws {
    let disk = [0x1F, 0x8B, 0x08, 0x00] + [UInt8](repeating: 1, count: 1020)
    var trial = try Trial(disk)
    var path = trial.scratch.file("disk.raw")
    // A new pipe each time: what the first conversion left in one would reach the second.
    func feed(_ pipe: String) throws {
      guard isPipe else { return }
      path = trial.scratch.file(pipe)
      trial.options.input.source = .file(path)
      try TestPipe.make(named: path, delivering: disk)
    }
    try feed("refused")
    let failure = try trial.failingError()
    #expect(failure?.description.hasPrefix("\(path) is a file compressed by gzip") == true)
    #expect(failure?.remedies == [.convertFirst(path, .gzip)])
    trial.options.input.format = .raw
    try feed("taken")
    #expect(try trial.convertAndCompare().clusters.data == 1)
  }

  @Test("A pipe cannot be verified")
  func pipe() throws {
    var trial = try Trial([])
    let name = trial.scratch.file("pipe")
    let end = try TestPipe.make(named: name, holding: [UInt8](repeating: 1, count: 600))
    trial.options.input.source = .file(name)
    trial.options.output.verifies = true
    #expect(try trial.failure() == ConversionError.cannotVerifyPipe.description)
    try end.close()
  }

  @Test("An existing output is refused and stays, or is replaced")
  func output() throws {
    var trial = try Trial(Disks.unique(clusters: 3, clusterSize: 4096))
    _ = try trial.scratch.make("disk.qcow2", [1, 2, 3])
    let output = trial.options.output.path
    #expect(try trial.failure() == ConversionError.outputExists(output).description)
    #expect(try trial.output() == [1, 2, 3])
    trial.options.output.replaces = true
    _ = try trial.convertAndCompare()
  }

  @Test("An output that appears during a conversion is refused at the end and stays")
  func outputAppears() throws {
    var trial = try Trial(Disks.unique(clusters: 3, clusterSize: 4096))
    let output = trial.options.output.path
    trial.tuning.digest = { bytes in
      _ = FileManager.default.createFile(atPath: output.string, contents: Data([9]))
      return .init(of: bytes)
    }
    let error = #expect(throws: ConversionError.self) { try trial.convert() }
    #expect(error?.description == ConversionError.outputExists(output).description)
    #expect(try trial.output() == [9])
    #expect(try trial.scratch.names() == ["disk.qcow2", "disk.raw"])
  }

  @Test("A disk too large for its clusters is refused")
  func tooLarge() throws {
    let trial = try Trial([], clusterSize: 512)
    let size = 128 << 30 + 512
    try #require(truncate(trial.scratch.file("disk.raw").string, size) == 0)
    #expect(try trial.failingError()?.remedies == [.useLargerClusters(atLeast: 1024)])
  }
}
