import ArgumentParser
import QDedupKit
import SystemPackage

/// `qdedup info`: what an image is.
struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Show what an image is: format, sizes, features, snapshots, hash store.",
    discussion: """
      Only the image itself is opened, never a file that it names. An image that a running QEMU \
      holds is shown as it is at this moment.

      EXAMPLES
        qdedup info disk.qcow2
        qdedup info --json disk.qcow2 | jq .hash_store.is_valid

      EXIT STATUS
        0 done, 1 failed, 64 wrong usage
      """)

  @Argument(help: "An image: a regular file or a block device.", completion: .file())
  var image: String

  @Flag(help: "Print a JSON object instead of text (Documentation/InfoSchema.json describes it).")
  var json = false

  func validate() throws {
    if image.isEmpty { throw ValidationError("The image's name is empty.") }
    if image == "-" {
      throw ValidationError(
        "An image is looked at in many places, which a pipe does not allow; save it to a file first."
      )
    }
    try ImageName.requireFile(image)
  }

  func run() throws {
    let description: InfoReport
    do throws(ConversionError) {
      description = try Inspector(FilePath(image)).run()
    } catch {
      throw Terminal.fail(error, .init(command: "info"))
    }
    try Terminal.write(
      json ? try JSONText.pretty(description) + "\n" : Terminal.legible(InfoText(description).text))
  }
}
