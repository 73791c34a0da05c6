import Foundation
import SystemPackage
import TestSupport
import Testing

/// Exports to a file that are cut short leave nothing, or what was there before.
@Suite("Exports that fail", .serialized) struct ExportFailureTests {
  let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try RawImage.write(RawImage.noise(count: 24 << 20, seed: 431), to: workspace.input)
  }

  @Test("A signal at any moment leaves the whole file or none", arguments: [SIGINT, SIGKILL])
  func signals(signal: CInt) throws {
    var random = SplitMix64(seed: UInt64(signal))
    for _ in 0..<6 {
      try Command("rm", ["-f", workspace.disk.string]).run().expectingExit(0)
      let export = try workspace.exportCommand([], workspace.input).start()
      try export.waitUntil { export.catches(SIGINT) }
      usleep(UInt32(random.next() % 60_000))
      export.signal(signal)
      let result = try export.wait()
      if try workspace.outputNames() == ["disk.img"] {
        #expect(try RawImage.read(workspace.disk) == RawImage.read(workspace.input))
      } else {
        #expect(try workspace.outputNames() == [])
        #expect(result.ending == (signal == SIGINT ? .exited(130) : .killed(signal: SIGKILL)))
        if signal == SIGINT {
          #expect(result.errors == "qdedup: interrupted; no output was kept\n")
        }
      }
    }
  }

  @Test("A limit on the size of files ends in a message")
  func limit() throws {
    let export = try workspace.exportCommand([], workspace.input)
    let result = try Command.shell(
      "ulimit -f 4000; exec \"$@\"", [export.program] + export.arguments
    ).run()
    try expectRefusal(result, naming: workspace.disk.string, "file too large", leaving: workspace)
  }

  @Test(
    "A full disk ends in a message and leaves the old file",
    .enabled(if: FullDiskTests.unshare != nil, "needs a mount namespace: root or user namespaces"))
  func fullDisk() throws {
    let place = try workspace.folder.makeDirectory("full")
    let script = """
      mount -t tmpfs -o size=6m tmpfs "$3" || exit 99
      printf old >"$3/old.img"
      "$1" export --force "$2" "$3/old.img"
      code=$?
      ls -A "$3"
      cat "$3/old.img"
      exit $code
      """
    let unshare = try #require(FullDiskTests.unshare)
    let program = try BuiltProgram.qdedup().string
    let result = try Command(
      "unshare",
      unshare + ["sh", "-c", script, "sh", program, workspace.input.string, place.string]
    ).run()
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.errors.lowercased().contains("no space left"), "\(result)")
    #expect(result.output == "old.img\nold")
  }
}
