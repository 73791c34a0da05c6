import Foundation
import SystemPackage
import TestSupport
import Testing

/// A conversion that is cut short leaves nothing, or what was there before.
@Suite(.serialized) struct InterruptionTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }
  let old = Array("what stood here before".utf8)

  init() throws { workspace = try Workspace() }

  @Test(
    "An interruption while a pipe is silent leaves no trace",
    arguments: [SIGINT, SIGTERM, SIGHUP, SIGQUIT], [[], ["--force"]])
  func interruptionWhilePipeIsSilentLeavesNoTrace(
    signal: CInt, options: [String]
  ) throws {
    if !options.isEmpty { try RawImage.write(old, to: output) }
    var command = try workspace.conversion(options, from: "-")
    command.input = .heldPipe
    let conversion = try command.start()
    try conversion.send(RawImage.noise(count: 3_000_000, seed: 101))
    let writing = try conversion.waitUntil {
      conversion.hasOpenFile(in: workspace.outputFolder)
    }
    #expect(writing, "it never opened a file for its output")
    conversion.signal(signal)
    let result = try conversion.wait()
    #expect(result.ending == .exited(130), "\(result)")
    #expect(result.output == "")
    #expect(result.errors == "qdedup: interrupted; no output was kept\n")
    #expect(try workspace.outputNames() == (options.isEmpty ? [] : ["out.qcow2"]))
    if !options.isEmpty { #expect(try RawImage.read(output) == old) }
  }

  @Test("Other commands are ended by SIGQUIT without a word")
  func otherCommandsAreEndedBySIGQUITWithoutWord() throws {
    try RawImage.write(RawImage.noise(count: 64 << 20, seed: 107), to: input)
    try workspace.convert()
    var ending: CommandResult.Ending?
    // A busy machine may send the signal when the check has ended by itself.
    for _ in 0..<10 where ending != .killed(signal: SIGQUIT) {
      let check = try Command.qdedup(["check", "--data", output.string]).start()
      try check.waitUntil { check.hasOpenFile(in: workspace.outputFolder) }
      check.signal(SIGQUIT)
      let result = try check.wait()
      #expect(result.errors == "", "\(result)")
      ending = result.ending
    }
    #expect(ending == .killed(signal: SIGQUIT))
  }

  @Test(
    "An interruption in the middle of a large image leaves no trace", arguments: [SIGINT, SIGTERM])
  func interruptionInMiddleOfLargeImageLeavesNoTrace(signal: CInt) throws {
    try RawImage.write(RawImage.noise(count: 160 << 20, seed: 102), to: input)
    var interrupted = 0
    for _ in 0..<5 where interrupted == 0 {
      let conversion = try workspace.conversion(["--force"]).start()
      try conversion.waitUntil { conversion.hasOpenFile(in: workspace.outputFolder) }
      conversion.signal(signal)
      let result = try conversion.wait()
      if result.exitCode == 0 {  // The machine was so busy that the signal came too late.
        try expectSound(output, equals: input)
        try Command("rm", [output.string]).run().expectingExit(0)
        continue
      }
      interrupted += 1
      #expect(result.ending == .exited(130), "\(result)")
      #expect(try workspace.outputNames() == [])
    }
    #expect(interrupted == 1)
  }

  @Test(
    "A kill at any moment leaves the old file, a whole new one, or none", arguments: [false, true])
  func killAtAnyMomentLeavesOldFile(force: Bool) throws {
    try RawImage.write(RawImage.noise(count: 24 << 20, seed: 103), to: input)
    var random = SplitMix64(seed: force ? 104 : 105)
    for _ in 0..<12 {
      try Command("rm", ["-f", output.string]).run().expectingExit(0)
      if force { try RawImage.write(old, to: output) }
      let conversion = try workspace.conversion(force ? ["--force"] : []).start()
      usleep(UInt32(random.next() % 120_000))
      conversion.signal(SIGKILL)
      let result = try conversion.wait()
      let names = try workspace.outputNames()
      if names.contains("out.qcow2") {
        if try RawImage.size(of: output) == old.count {
          #expect(force)
          #expect(try RawImage.read(output) == old)
        } else {
          try expectSound(output, equals: input)
        }
      } else {
        #expect(!force)
        #expect(result.ending == .killed(signal: SIGKILL), "\(result)")
      }
    }
  }

  @Test("A kill while a pipe is silent leaves the folder as it was")
  func killWhilePipeIsSilentLeavesFolderAsItIs() throws {
    try RawImage.write(old, to: output)
    var command = try workspace.conversion(["--force"], from: "-")
    command.input = .heldPipe
    let conversion = try command.start()
    try conversion.send(RawImage.noise(count: 3_000_000, seed: 106))
    try conversion.waitUntil { conversion.hasOpenFile(in: workspace.outputFolder) }
    conversion.signal(SIGKILL)
    #expect(try conversion.wait().ending == .killed(signal: SIGKILL))
    #expect(try RawImage.read(output) == old)
    #expect(try workspace.outputNames() == ["out.qcow2"])
  }
}
