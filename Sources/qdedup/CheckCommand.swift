import ArgumentParser
import QDedupKit
import SystemPackage

/// `qdedup check`: whether an image and its hash store are consistent.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check a qcow2 image and its hash store.",
    discussion: """
      Refcounts are counted again from all tables, as qemu-img check does, and the counts and exit \
      codes are the same; then the hash store is checked, which QEMU does not know. Nothing is \
      changed, and only the image itself is opened, never a file that it names.

      EXAMPLES
        qdedup check disk.qcow2
        qdedup check --data disk.qcow2
        qdedup check --json disk.qcow2 | jq .result

      EXIT STATUS
        0 nothing is wrong (also with a hash store that is stale), 1 it could not be opened, or \
      not all could be checked, 2 the image or its hash store is corrupt, 3 clusters are leaked, \
      63 it is not qcow2, 64 wrong usage
      """)

  @Argument(help: "A qcow2 image: a regular file or a block device.", completion: .file())
  var image: String

  @Flag(help: "Print a JSON object instead of text (Documentation/CheckSchema.json describes it).")
  var json = false

  @Flag(help: "Also compute the digest of every cluster that the hash store names, and look it up.")
  var data = false

  @Flag(
    name: [.customShort("U"), .long],
    help:
      "Check the image although a running QEMU holds it. What it changes during the check is an error."
  )
  var forceShare = false

  func validate() throws {
    if image.isEmpty { throw ValidationError("The image's name is empty.") }
    if image == "-" {
      throw ValidationError(
        "An image is checked at many places, which a pipe does not allow; save it to a file first.")
    }
    try ImageName.requireFile(image)
  }

  func run() throws {
    var check = Checker(FilePath(image))
    check.comparesData = data
    check.ignoresLocks = forceShare
    let report: CheckReport
    do throws(ConversionError) {
      report = try check.run()
    } catch {
      let code = error.isUncheckableFormat ? Self.uncheckable : .failure
      throw Terminal.fail(error, .init(command: "check"), code: code)
    }
    try Terminal.write(
      json ? try JSONText.pretty(report) + "\n" : Terminal.legible(CheckText(report).text))
    if let code = Self.exitCodes[report.result] { throw ExitCode(code) }
  }

  /// The exit code of `qemu-img check` for a format that it cannot check.
  private static let uncheckable = ExitCode(63)

  /// The exit codes of `qemu-img check`.
  private static let exitCodes: [CheckReport.Result: Int32] = [
    .incomplete: 1, .corrupt: 2, .leaks: 3,
  ]
}
