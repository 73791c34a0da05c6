import SystemPackage
import TestSupport
import Testing

/// What comes before the options: the command, and arguments as the system hands them over.
@Suite struct CommandNameTests {
  let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try RawImage.write(RawImage.noise(count: 20_000, seed: 93), to: workspace.input)
  }

  /// Expects wrong usage, and a message with all of `words`.
  private func expectUsageError(
    _ result: CommandResult, naming words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(result.exitCode == 64, "\(result)", sourceLocation: sourceLocation)
    #expect(result.output == "", "\(result)", sourceLocation: sourceLocation)
    for word in words {
      #expect(result.errors.contains(word), "\(word): \(result)", sourceLocation: sourceLocation)
    }
  }

  @Test(
    "A mistyped command is refused with the one that was meant",
    arguments: [
      ("convret", "convert"), ("Convert", "convert"), ("chek", "check"), ("inf", "info"),
      ("hepl", "help"),
    ])
  func mistypedCommandIsRefusedWithOneThatWasMeant(
    typed: String, meant: String
  ) throws {
    try expectUsageError(
      try Command.qdedup([typed, "a", "b"]).run(),
      naming: "there is no command '\(typed)'; did you mean '\(meant)'?")
  }

  @Test("An unknown command is refused with those there are", arguments: ["frobnicate", ""])
  func unknownCommandIsRefusedWithThoseThere(typed: String) throws {
    try expectUsageError(
      try Command.qdedup([typed]).run(), naming: "there is no command '\(typed)'",
      "convert, estimate, export, info, check", "--help")
  }

  @Test("A file in place of a command is answered with the command for it")
  func fileInPlaceOfCommandIsAnsweredWithCommandForIt() throws {
    try expectUsageError(
      try Command.qdedup(["d.img", "my o.qcow2"]).run(),
      naming: "there is no command 'd.img'", "qdedup convert d.img 'my o.qcow2'")
    let input = workspace.input.string
    try expectUsageError(
      try Command.qdedup([input]).run(), naming: "qdedup convert \(input) disk.qcow2")
  }

  @Test("Help for no command is refused")
  func helpForNoCommandIsRefused() throws {
    try expectUsageError(
      try Command.qdedup(["help", "nosuch"]).run(), naming: "there is no command 'nosuch'")
    for words in [["help"], ["help", "convert"], ["help", "help"]] {
      let help = try Command.qdedup(words).run().expectingExit(0)
      #expect(help.output.contains("USAGE"), "\(help)")
    }
  }

  @Test("Without any argument the help comes on standard error, and the exit code is not 0")
  func withoutAnyArgumentHelpComesOnStandardError() throws {
    try expectUsageError(try Command.qdedup([]).run(), naming: "USAGE: qdedup", "convert")
  }

  /// Runs `qdedup` in the workspace with arguments that a shell makes of `words`.
  private func run(_ words: String) throws -> CommandResult {
    let place = [try BuiltProgram.qdedup().string, workspace.outputFolder.string]
    return try Command.shell("cd \"$2\"; exec \"$1\" \(words)", place).run()
  }

  @Test("A name that is no UTF-8 is refused before anything is done")
  func nameThatIsNoUTF8IsRefusedBeforeAnythingIsDone() throws {
    let input = workspace.input.string
    try expectUsageError(
      try run("convert '\(input)' \"$(printf 'o\\377.qcow2')\""), naming: "$'o\\xff.qcow2'",
      "UTF-8", "symbolic link")
    for command in ["info", "check", "convert", "--help", ""] {
      try expectUsageError(
        try run("\(command) \"$(printf 'a\\\\b\\303\\244\\001\\200')\""),
        naming: "$'a\\\\b\\xc3\\xa4\\x01\\x80'", "UTF-8")
    }
    #expect(try workspace.outputNames() == [])
  }

  @Test("Bash completes the input with any file")
  func bashCompletesInputWithAnyFile() throws {
    let script = """
      source <("$1" --generate-completion-script bash) || exit 1
      cd "$2" || exit 1
      COMP_WORDS=(qdedup "$3" i) COMP_CWORD=2 COMP_LINE="qdedup $3 i" COMP_POINT=${#COMP_LINE}
      _qdedup qdedup i "$3"
      echo "${COMPREPLY[@]}"
      """
    let folder = workspace.folder.path.string
    for command in ["convert", "export", "info", "check"] {
      let arguments = ["-c", script, "bash", try BuiltProgram.qdedup().string, folder, command]
      let result = try Command("bash", arguments).run().expectingExit(0)
      #expect(result.output == "in.img\n", "\(command): \(result)")
    }
  }
}
