import Foundation
import SystemPackage
import TestSupport
import Testing

/// Places where something is missing: /proc, unnamed files, links, rights, room in a pipe.
@Suite struct PlaceTests {
  let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try RawImage.write(RawImage.noise(count: 300_000, seed: 181), to: workspace.input)
  }

  /// Runs a program under a seccomp filter: system calls by name, each with the error that it gives.
  /// `openat` is refused only with O_TMPFILE.
  private static let filter = """
    import ctypes, os, platform, struct, sys
    calls = {"x86_64": {"linkat": 265, "link": 86, "renameat2": 316, "openat": 257, "open": 2},
             "aarch64": {"linkat": 37, "renameat2": 276, "openat": 56}}[platform.machine()]
    tmpfile = 0o20000000
    rules = [struct.pack("HBBI", 0x20, 0, 0, 0)]
    for word in sys.argv[1].split(","):
        name, error = word.split("=")
        if name not in calls: continue
        refuse = struct.pack("HBBI", 0x06, 0, 0, 0x00050000 | int(error))
        if name in ("openat", "open"):
            flags = 16 + 8 * (2 if name == "openat" else 1)
            rules += [struct.pack("HBBI", 0x15, 0, 4, calls[name]), struct.pack("HBBI", 0x20, 0, 0, flags),
                      struct.pack("HBBI", 0x45, 0, 1, tmpfile), refuse, struct.pack("HBBI", 0x20, 0, 0, 0)]
        else:
            rules += [struct.pack("HBBI", 0x15, 0, 1, calls[name]), refuse]
    rules.append(struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000))
    code = ctypes.create_string_buffer(b"".join(rules))
    class Program(ctypes.Structure): _fields_ = [("n", ctypes.c_ushort), ("p", ctypes.c_void_p)]
    program = Program(len(rules), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)
    if libc.prctl(22, 2, ctypes.byref(program), 0, 0): sys.exit("no seccomp: %d" % ctypes.get_errno())
    os.execv(sys.argv[2], sys.argv[2:])
    """

  private func filtered(_ rules: String, _ command: Command) -> Command {
    var filtered = Command(
      "python3", ["-c", Self.filter, rules, command.program] + command.arguments)
    filtered.input = command.input
    return filtered
  }

  @Test(
    "Without hard links, unnamed files and careful renames an output still gets its name",
    arguments: [
      "linkat=1,link=1", "linkat=2,link=2", "linkat=38,link=38", "linkat=95,link=95",
      "openat=95,open=95", "openat=95,open=95,linkat=1,link=1,renameat2=22",
      "openat=95,open=95,linkat=38,link=38,renameat2=38",
    ])
  func noLinks(rules: String) throws {
    let plain = try workspace.conversion(["-q", "--verify"])
    try filtered(rules, plain).run().expectingExit(0)
    try expectSound(workspace.output, equals: workspace.input)
    let again = try filtered(rules, plain).run()
    #expect(again.exitCode == 1 && again.errors.contains("exists already"), "\(again)")
    try filtered(rules, try workspace.conversion(["-q", "--force"])).run().expectingExit(0)
    try expectSound(workspace.output, equals: workspace.input)
    #expect(try workspace.outputNames() == ["out.qcow2"])
  }

  @Test("Where files can get no name at all, that shows before the work is done")
  func noNames() throws {
    // 82 and 264 are rename and renameat, which the filter does not know: a full folder does too.
    let result = try workspace.run(["-q"], to: "/proc/out.qcow2")
    #expect(result.exitCode == 1 && result.errors.contains("/proc/out.qcow2"), "\(result)")
    #expect(!result.errors.contains(".qdedup-"), "\(result)")
  }

  @Test("A hidden file that a killed conversion left is removed by the next one")
  func leftover() throws {
    var command = try workspace.conversion(["-q"], from: "-")
    command.input = .heldPipe
    let killed = try filtered("openat=95,open=95", command).start()
    try killed.send(RawImage.noise(count: 3_000_000, seed: 182))
    #expect(try killed.waitUntil { try workspace.outputNames().count == 1 })
    // A second conversion leaves a file alone that is still being made.
    try workspace.run(["-q"], to: workspace.outputFolder.appending("other")).expectingExit(0)
    #expect(try workspace.outputNames().count == 2)
    killed.signal(SIGKILL)
    _ = try killed.wait()
    #expect(try workspace.outputNames().count == 2)
    try workspace.convert()
    #expect(try workspace.outputNames() == ["other", "out.qcow2"])
  }

  @Test("Without /proc arguments are read, and an output is verified and gets its name")
  func withoutProc() throws {
    let program = try BuiltProgram.qdedup().string
    let script = "mount -t tmpfs none /proc || exit 99; exec \"$@\""
    func run(_ arguments: [String]) throws -> CommandResult {
      try Command("unshare", ["-m", "sh", "-c", script, "sh", program] + arguments).run()
    }
    let probe = try run(["--version"])
    if probe.exitCode == 99 || probe.errors.contains("unshare") {
      print("skipped: no mount namespace can be made here (that takes root)")
      return
    }
    let names = [workspace.input.string, workspace.output.string]
    try run(["convert", "-q", "--verify"] + names).expectingExit(0)
    try expectSound(workspace.output, equals: workspace.input)
    try run(["convert", "-q", "--force"] + names).expectingExit(0)
    let wrong = try run(["convert", "--squeeze"] + names)
    #expect(wrong.exitCode == 64 && wrong.errors.contains("--squeeze"), "\(wrong)")
    #expect(try run(["convert", "--help"]).expectingExit(0).output.contains("--cluster-size"))
    #expect(try workspace.outputNames() == ["out.qcow2"])
  }

  @Test("A mask that takes all rights does not keep an output from being verified")
  func mask() throws {
    let command = try workspace.conversion(["-q", "--verify"])
    try Command.shell("umask 0777; exec \"$@\"", [command.program] + command.arguments).run()
      .expectingExit(0)
    let mode = try Command("stat", ["-c", "%a", workspace.output.string]).run().output
    #expect(mode == "0\n")
  }

  @Test("A full standard output that does not wait by itself is waited for")
  func nonBlockingOutput() throws {
    let script = """
      import os, subprocess, sys, time
      reader, writer = os.pipe()
      os.set_blocking(writer, False)
      try:
          while True: os.write(writer, b"x" * 4096)
      except BlockingIOError: pass
      child = subprocess.Popen(sys.argv[1:], stdout=writer)
      os.close(writer)
      time.sleep(0.3)
      data = b""
      while part := os.read(reader, 65536): data += part
      assert data.lstrip(b"x").startswith(b"{"), data[-200:]
      sys.exit(child.wait())
      """
    let command = try workspace.conversion(["--report", "json"])
    try Command("python3", ["-c", script, command.program] + command.arguments).run()
      .expectingExit(0)
  }

  @Test(
    "What the user typed comes back without control characters",
    arguments: [
      ["convert", "--bo\u{1B}[31mgus"], ["convert", "a", "b", "c\u{1B}[31m"],
      ["convert", "--threads", "\u{1B}[31m", "a", "b"], ["info", "--x\u{7}"], ["\u{1B}[31m"],
      ["convert", "--report", "\u{9B}31m", "a", "b"], ["help", "\u{1B}c"],
      ["convert", "--cluster-size", "1\u{1B}[2J", "a", "b"], ["check", "a", "\u{202E}b"],
    ])
  func controlCharacters(arguments: [String]) throws {
    let result = try Command.qdedup(arguments).run()
    #expect(result.exitCode == 64, "\(result)")
    let scalars = (result.errors + result.output).unicodeScalars
    #expect(
      scalars.allSatisfy { scalar in
        scalar == "\n" || ![.control, .format].contains(scalar.properties.generalCategory)
      }, "\(result)")
  }

  @Test(
    "Options of qemu-img are refused with a hint",
    arguments: [
      (["-O", "qcow2"], "always qcow2"), (["-Oqcow2"], "always qcow2"), (["-p"], "--progress"),
      (["-o", "cluster_size=64k"], "--cluster-size"), (["-m", "16"], "--threads"),
    ])
  func habits(options: [String], hint: String) throws {
    let result = try workspace.run(options)
    #expect(result.exitCode == 64 && result.errors.contains(hint), "\(result)")
  }

  @Test("Standard input that is a file is read as one: qcow2, --verify and holes")
  func standardInput() throws {
    try workspace.convert(["--verify"], from: "-", reading: .file(workspace.input))
    try expectSound(workspace.output, equals: workspace.input)
    let copy = workspace.folder.file("copy.qcow2")
    let report = try workspace.convert(from: "-", to: copy, reading: .file(workspace.output))
    #expect(report.input.format == "qcow2")
    try expectSound(copy, equals: workspace.input)
    let large = workspace.folder.file("large.img")
    try RawImage.sparse(at: large, size: 8 << 40)
    try workspace.convert(
      ["--cluster-size", "64K", "--force"], from: "-", to: copy, reading: .file(large))
  }

  @Test("Standard input that is read in part is a pipe from there on")
  func standardInputInPart() throws {
    let rest = workspace.folder.file("rest.img")
    try RawImage.write(Array(try RawImage.read(workspace.input)[512...]), to: rest)
    let command = try workspace.conversion(["-q"], from: "-")
    let script = "{ dd bs=512 count=1 of=/dev/null status=none; exec \"$@\"; } <\"$0\""
    var shell = Command(
      "sh", ["-c", script, workspace.input.string, command.program] + command.arguments)
    shell.input = .nothing
    try shell.run().expectingExit(0)
    try expectSound(workspace.output, equals: rest)
  }

  @Test("A file with content but no size is refused")
  func sizes() throws {
    let refused = try workspace.run(from: "/proc/version")
    #expect(refused.exitCode == 1 && refused.errors.contains("size of 0"), "\(refused)")
  }

  @Test(
    "An input without a byte is refused, from a file as from a pipe",
    arguments: [[], ["-f", "raw"]])
  func empty(options: [String]) throws {
    try RawImage.write([], to: workspace.input)
    try expectRefusal(
      try workspace.run(options), naming: "in.img is empty; did the copy", leaving: workspace)
    var command = try workspace.conversion(options, from: "-")
    command.input = .pipe(contentsOf: workspace.input)
    try expectRefusal(try command.run(), naming: "ended without a byte", leaving: workspace)
    command.input = .file(workspace.input)
    try expectRefusal(try command.run(), naming: "standard input is empty", leaving: workspace)
  }

  @Test("Progress for programs comes once a second at most")
  func progressLines() throws {
    var command = try workspace.conversion(["-q", "--progress", "json"], from: "-")
    command.input = .heldPipe
    let start = ContinuousClock.now
    let conversion = try command.start()
    for _ in 0..<8 {
      try conversion.send(RawImage.noise(count: 100_000, seed: 183))
      usleep(150_000)
    }
    try conversion.endInput()
    let result = try conversion.wait().expectingExit(0)
    let seconds = (ContinuousClock.now - start).components.seconds
    let lines = result.errors.split(separator: "\n").count
    #expect(lines >= 2 && lines <= Int(seconds) + 3, "\(lines) lines in \(seconds) s")
  }

  @Test("An error of the folder's sync is an error, and the output is there")
  func folderSync() throws {
    // The filter refuses fsync for one descriptor number; that of the folder is not known.
    let filter = Self.filter.replacing(
      "calls = {\"x86_64\": {", with: "calls = {\"x86_64\": {\"fsync\": 74, "
    ).replacing("{\"linkat\": 37", with: "{\"fsync\": 82, \"linkat\": 37")
      .replacing(
        "    else:\n",
        with: """
              elif name == "fsync":
                  rules += [struct.pack("HBBI", 0x15, 0, 4, calls[name]), struct.pack("HBBI", 0x20, 0, 0, 16),
                            struct.pack("HBBI", 0x15, 0, 1, int(os.environ["FD"])), refuse,
                            struct.pack("HBBI", 0x20, 0, 0, 0)]
              else:

          """)
    var found = false
    for number in 3..<12 {
      let plain = try workspace.conversion(["-q", "--force"])
      var command = Command("python3", ["-c", filter, "fsync=5", plain.program] + plain.arguments)
      command.environment = ["FD": String(number)]
      try? FileManager.default.removeItem(atPath: workspace.output.string)
      let result = try command.run()
      guard result.exitCode == 1, try workspace.outputNames() == ["out.qcow2"] else { continue }
      found = true
      #expect(result.errors.contains("a crash of the system leaves its name"), "\(result)")
      try expectSound(workspace.output, equals: workspace.input)
    }
    #expect(found)
  }

  @Test("The manual page has examples and exit codes in sections of their own")
  func manualPage() throws {
    var root = FilePath(#filePath)
    for _ in 0..<3 { root.removeLastComponent() }
    let page = workspace.folder.file("page")
    let text = """
      .Sh NAME
      .Sh DESCRIPTION
      What it is: 4 × 2.

      EXAMPLES
        qdedup a\\b

      EXIT STATUS
        0 done
      .It Em check
      EXAMPLES
        qdedup check

      And so on.

      EXIT STATUS
        3 leaks
      .Bl -tag -width 6n
      .El
      .Sh "EXIT STATUS"
      .Ex -std
      """
    try RawImage.write(Array((text + "\n").utf8), to: page)
    let script = root.appending(".ci/manual-page").string
    let result = try Command(script, [page.string]).run().expectingExit(0).output
    let lines = result.split(separator: "\n").map(String.init)
    #expect(result.utf8.allSatisfy { $0 < 128 } && lines.contains("What it is: 4 \\(mu 2."))
    let examples = try #require(lines.firstIndex(of: ".Sh EXAMPLES"))
    let status = try #require(lines.firstIndex(of: ".Sh \"EXIT STATUS\""))
    #expect(lines[examples..<status].contains("qdedup a\\eb"))
    #expect(
      lines[status...].contains(".It Nm qdedup check") && lines[status...].contains("3 leaks"))
    #expect(lines[..<examples].contains("And so on.") && !lines.contains(".Ex -std"))
    #expect(lines.count { $0.contains("EXIT STATUS") } == 1)
  }
}
