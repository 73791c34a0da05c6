import Foundation
import TestSupport

/// A `qemu-io` that has an image open, until `end`.
final class HeldImage {
  private let process = Process()
  private let commands = Pipe()
  private let answers = Pipe()

  /// Starts `qemu-io` with these arguments and waits until it has read from the image.
  init(_ arguments: String...) throws {
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["qemu-io"] + arguments
    process.standardInput = commands
    process.standardOutput = answers
    process.standardError = answers
    try process.run()
    try commands.fileHandleForWriting.write(contentsOf: Data("read 0 512\n".utf8))
    var seen = Data()
    while !seen.contains("read 512/512") {
      let more = answers.fileHandleForReading.availableData
      if more.isEmpty { throw Failure(output: String(decoding: seen, as: UTF8.self)) }
      seen.append(more)
    }
  }

  struct Failure: Error {
    let output: String
  }

  /// Lets it close the image and waits for that.
  func end() throws {
    try commands.fileHandleForWriting.close()
    _ = answers.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
  }
}

extension Data {
  fileprivate func contains(_ text: String) -> Bool { range(of: Data(text.utf8)) != nil }
}
