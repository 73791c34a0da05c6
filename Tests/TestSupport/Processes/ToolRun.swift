import Foundation

/// A program of the system, such as `qemu-img`, and what it said.
public struct ToolRun {
  /// How it ended.
  public let exitCode: Int32
  /// What it printed, standard output and standard error together.
  public let output: String

  /// Runs a program to its end; both of its outputs are kept.
  public init(_ arguments: String...) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let pipe = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    exitCode = process.terminationStatus
    output = String(decoding: bytes, as: UTF8.self)
  }
}
