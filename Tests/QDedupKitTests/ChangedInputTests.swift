import DedupStore
import DiskImage
import Foundation
import QCOW2
@testable import QDedupKit
import SystemPackage
import TestSupport
import Testing

/// An input that changes while it is read is an error, unless that is allowed.
@Suite struct ChangedInputTests {
  /// What happens to the file.
  enum Change: CaseIterable { case grows, shrinks, rewritten }

  private static func apply(_ change: Change, to path: FilePath) throws {
    let file = try FileDescriptor.open(path, .readWrite)
    try file.closeAfter {
      switch change {
      case .grows: try file.resize(to: Int64(1 << 22))
      case .shrinks: try file.resize(to: Int64(1 << 12))
      case .rewritten:
        // The clock of files ticks every few milliseconds.
        usleep(20_000)
        _ = try file.writeAll(toAbsoluteOffset: 0, [UInt8](repeating: 7, count: 16))
      }
    }
  }

  /// A trial whose input is changed when the first cluster is looked at.
  private static func trial(_ change: Change, _ file: String = "disk.raw") throws -> Trial {
    var trial = try Trial(Disks.unique(clusters: 500, clusterSize: 4096), threads: 1)
    let path = trial.scratch.file(file)
    let once = Once()
    trial.tuning.digest = { bytes in
      if once.isFirst() { try? apply(change, to: path) }
      return .init(of: bytes)
    }
    return trial
  }

  @Test(
    "A file that grows, shrinks or is written to is an error with what changed, and no output",
    arguments: Change.allCases, [false, true])
  func changed(change: Change, verifies: Bool) throws {
    var trial = try Self.trial(change)
    trial.options.output.verifies = verifies
    let error = try #require(try trial.failingError())
    switch (change, error) {
    case (.grows, .image(.changed(_, let what))):
      #expect(what == "it had 2048000 bytes and has 4194304 now")
    case (.rewritten, .image(.changed(_, let what))):
      #expect(what.contains("it was written to"))
    case (.shrinks, .image(.shrank)): break
    default: Issue.record("\(error)")
    }
    #expect(error.remedies.first == .keepUnchanged)
  }

  @Test(
    "A file may grow and be written to if that is allowed", arguments: [Change.grows, .rewritten])
  func allowed(change: Change) throws {
    var trial = try Self.trial(change)
    trial.options.input.allowsChanges = true
    #expect(try trial.convert().clusters.data == 500)
  }

  @Test(
    "An estimate of a file that changes is an error, unless that is allowed",
    arguments: Change.allCases)
  func estimate(change: Change) throws {
    let scratch = try TemporaryDirectory()
    let path = try scratch.make("disk", RawImage.noise(count: 1 << 20, seed: 5))
    for isAllowed in [false, true] {
      var input = InputOptions(.file(path))
      input.allowsChanges = isAllowed
      var estimator = Estimator(EstimateOptions(images: [input], threads: 2))
      estimator.whenRead = { try? Self.apply(change, to: path) }
      if isAllowed {
        _ = try estimator.run()
      } else {
        let error = #expect(throws: ConversionError.self) { try estimator.run() }
        #expect(error?.description.contains("was changed while it was being read") == true)
      }
    }
  }

  @Test("A backing file that is written to is an error that names it")
  func backingFile() throws {
    var trial = try Self.trial(.rewritten)
    let overlay = trial.scratch.file("overlay.qcow2")
    try Command(
      "qemu-img",
      ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", "disk.raw", overlay.string]
    ).run().expectingExit(0)
    trial.options.input.source = .file(overlay)
    trial.options.input.followsExternalFiles = true
    let error = try #require(try trial.failingError())
    #expect(error.description.contains("disk.raw was changed while it was being read"))
  }
}

/// Says once that it is the first time.
private final class Once: @unchecked Sendable {
  private let lock = NSLock()
  private var isDone = false

  func isFirst() -> Bool {
    lock.withLock {
      defer { isDone = true }
      return !isDone
    }
  }
}
