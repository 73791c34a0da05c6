import Foundation
import SystemPackage
import TestSupport
import Testing

/// The tests' own way of running programs.
@Suite struct CommandTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test("Exit codes, signals and both outputs are told apart")
  func exitCodes() throws {
    let result = try Command.shell("echo out; echo err >&2; exit 7").run()
    #expect(result.ending == .exited(7))
    #expect(result.output == "out\n")
    #expect(result.errors == "err\n")
    #expect(try Command.shell("kill -TERM $$").run().ending == .killed(signal: SIGTERM))
  }

  @Test("Output of any length is read without a deadlock")
  func outputOfAnyLengthIsReadWithoutDeadlock() throws {
    let script = "head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2"
    let result = try Command.shell(script).run()
    #expect(result.standardOutput.count == 3_000_000)
    #expect(result.standardError.count == 2_000_000)
  }

  @Test("A file comes through a pipe whole")
  func fileComesThroughPipeWhole() throws {
    let file = folder.file("data")
    let bytes = RawImage.noise(count: 1_000_003, seed: 1)
    try RawImage.write(bytes, to: file)
    for input in [CommandInput.pipe(contentsOf: file), .file(file)] {
      var command = Command("cat", [])
      command.input = input
      #expect(try command.run().standardOutput == bytes)
    }
  }

  @Test("A pipe stays open until the test ends it, and a killed reader breaks it")
  func pipeStaysOpenUntilTestEndsIt() throws {
    var command = Command("cat", [])
    command.input = .heldPipe
    let reader = try command.start()
    try reader.send([65, 66])
    #expect(try reader.waitUntil { try reader.outputSoFar() == "AB" })
    reader.signal(SIGKILL)
    #expect(try reader.wait().ending == .killed(signal: SIGKILL))
    #expect(throws: Errno.brokenPipe) { try reader.send([67]) }
  }

  @Test("A program that is not there is an error that names it")
  func programThatIsNotThereIsErrorThatNamesIt() throws {
    let error = #expect(throws: TestSupportError.self) {
      try Command("no-such-program", []).run()
    }
    #expect(error?.description.contains("no-such-program") ?? false)
  }

  @Test("A program that hangs is killed")
  func programThatHangsIsKilled() throws {
    var command = Command("sleep", ["600"])
    command.secondsUntilHanging = 0.1
    #expect(throws: TestSupportError.self) { try command.run() }
  }

  @Test("The memory of a command is its own and not that of the tests")
  func memoryOfCommandIsItsOwnAndNotThatOfTests() throws {
    let ours = [UInt8](repeating: 1, count: 200 << 20)
    // It goes on until its memory has been looked at once more.
    func peakMemory(_ script: String) throws -> Int {
      var command = Command.shell(script + "; echo ready; read line; exit 0")
      command.input = .heldPipe
      command.watchesMemory = true
      let running = try command.start()
      try running.waitUntil { try running.outputSoFar() == "ready\n" }
      try running.waitUntil { true }
      try running.endInput()
      return try running.wait().expectingExit(0).peakMemory
    }
    let small = try peakMemory("true")
    #expect(small > 0 && small < 50 << 20)
    var brief = Command("true", [])
    brief.watchesMemory = true
    for _ in 0..<60 { #expect(try brief.run().expectingExit(0).peakMemory < 50 << 20) }
    let large = "x=$(head -c 100000000 /dev/zero | tr '\\0' x)"
    #expect(try peakMemory(large) > 100_000_000)
    #expect(ours.last == 1)
  }
}
