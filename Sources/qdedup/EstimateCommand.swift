import ArgumentParser
import QDedupKit

/// `qdedup estimate`: what conversions would give, without writing anything.
struct EstimateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "estimate",
    abstract: "Show what conversions would give, by cluster size and compression.",
    discussion: """
      Each image is read once. Clusters of zeros and duplicates are counted in clusters of 4K to \
      128K, a sample is compressed, and the files follow from that. Of several images it is shown \
      too what they take in one file, and what each two share.

      The cost of reading is processor time of QEMU for a whole image, by that of a plain image with \
      clusters of 64K. The size that is recommended (*) is the largest whose file is at most 5 % \
      above the smallest.

      EXAMPLES
        qdedup estimate disk.img
        qdedup estimate --json disk.qcow2 | jq '.images[0].recommended'
        qdedup estimate monday.img tuesday.img

      EXIT STATUS
        0 done, 1 failed, 64 wrong usage, 130 interrupted (by SIGINT, SIGTERM, SIGHUP or SIGQUIT)
      """)

  @Argument(help: "Raw or qcow2 images, or block devices: 1 to 64.", completion: .file())
  var images: [String]

  @OptionGroup(title: "Input") var inputOptions: InputOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      What may be remembered of contents in memory, from 256K to 1024G: contents beyond that are \
      counted by a sample, and the interval is shown. (default: 64M)
      """, valueName: "size"), transform: StoreOptions.indexMemory)
  var indexMemory = EstimateOptions.standardIndexMemory

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How many threads work, 1 to \(ThreadCount.range.upperBound). (default: the processors)"))
  var threads = ThreadCount.standard

  @Flag(
    help: "Print a JSON object instead of text (Documentation/EstimateSchema.json describes it).")
  var json = false

  @OptionGroup(title: "Progress") var progressOptions: ProgressOptions

  func validate() throws {
    guard images.count <= EstimateOptions.mostImages else {
      throw ValidationError(
        "\(images.count) images are named; at most \(EstimateOptions.mostImages) are compared.")
    }
    for image in images {
      if image.isEmpty { throw ValidationError("The name of an image is empty.") }
      if image == "-" {
        throw ValidationError(
          "An estimate reads at many places, which a pipe does not allow; save it to a file first.")
      }
      try ImageName.requireFile(image)
    }
  }

  func run() throws {
    Interruption.install()
    let display = progressOptions.style.map { ProgressDisplay($0, Interruption.progress) }
    let outcome = Result { () throws(ConversionError) in
      try Estimator(options, progress: Interruption.progress).run()
    }
    display?.stop()
    switch outcome {
    case .success(let report):
      try Terminal.write(
        json ? try JSONText.pretty(report) + "\n" : Terminal.legible(EstimateText(report).text))
    case .failure(let error):
      if error.isInterruption {
        throw Terminal.fail("interrupted", code: ExitCode(Interruption.exitCode))
      }
      throw Terminal.fail(error, .init(command: "estimate"))
    }
  }

  private var options: EstimateOptions {
    var options = EstimateOptions(
      images: images.map(inputOptions.reading), threads: threads.count)
    options.indexMemory = indexMemory
    return options
  }
}
