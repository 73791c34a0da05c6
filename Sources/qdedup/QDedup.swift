// qdedup: the program. It turns arguments into options, shows progress, renders the report and maps
// errors to exit codes. What happens to images is decided in QDedupKit.

import ArgumentParser
import QDedupKit

/// Where the process begins.
@main
enum Program {
  static func main() {
    Terminal.reserveStandardStreams()
    Interruption.restoreQuit()
    if let problem = RawArguments.problem { end(Terminal.fail(problem, code: .validationFailure)) }
    let words = RawArguments.words
    if let problem = CommandName.problem(words) {
      end(Terminal.fail(problem, code: .validationFailure))
    }
    do {
      var command = try QDedup.parseAsRoot(words)
      try command.run()
    } catch let code as ExitCode {
      end(code)
    } catch {
      complain(error, words)
    }
  }

  /// Shows what the argument parser has to say, which is a mistake, or what was asked for: help, the
  /// version, or a completion script.
  private static func complain(_ error: any Error, _ words: [String]) -> Never {
    let code = QDedup.exitCode(for: error)
    let text = QDedup.fullMessage(for: error)
    if code.isSuccess {
      do { try Terminal.write(text + "\n") } catch { end(.failure) }
    } else {
      Terminal.writeError(Terminal.harmless(text) + "\n")
      if let hint = Habits.hint(words) { Terminal.writeError(Terminal.legible(hint) + "\n") }
    }
    end(code)
  }

  private static func end(_ code: ExitCode) -> Never { QDedup.exit(withError: code) }
}

/// The program without a subcommand.
struct QDedup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "qdedup",
    abstract: "Makes disk images smaller: equal clusters are stored once.",
    discussion: """
      The output is a standard qcow2 image, which any QEMU boots as it is.

      EXAMPLES
        qdedup convert disk.img disk.qcow2
            Convert a raw or qcow2 image; the report tells what was saved.
        qdedup convert --cluster-size 64K --report json disk.img disk.qcow2
            Larger clusters, and a report for programs.
        zstd -dc disk.img.zst | qdedup convert - disk.qcow2
            Read a raw image from a pipe.
        qdedup export disk.qcow2 disk.img
            Write the disk as raw bytes again: to a file, a block device or a pipe.
        qdedup estimate disk.img
            Show what conversions would give, in clusters of six sizes, without writing anything.
        qdedup info disk.qcow2
            Show what an image is.
        qdedup check disk.qcow2
            Check an image and its hash store; exit codes as those of qemu-img check.
        qdedup add --name tuesday golden.qcow2 tuesday.img
            Add an image to a file as a version; see also versions, activate, remove, diff.

      EXIT STATUS
        0 done, 1 failed, 64 wrong usage, 130 interrupted (by SIGINT, SIGTERM, SIGHUP or SIGQUIT); \
      convert, add: 2 done, but a rule of --fail-if is broken; check: 1 not all could be checked, 2 corrupt, 3 leaks, 63 not qcow2
      """,
    version: qdedupVersion,
    subcommands: [
      ConvertCommand.self, EstimateCommand.self, ExportCommand.self, InfoCommand.self,
      CheckCommand.self, AddCommand.self, VersionsCommand.self, ActivateCommand.self,
      RemoveCommand.self, DiffCommand.self,
    ])

  /// Without a command nothing is done, which a script must not take for success.
  func run() throws {
    Terminal.writeError(Self.helpMessage() + "\n")
    throw ExitCode.validationFailure
  }
}
