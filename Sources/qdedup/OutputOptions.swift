import ArgumentParser

/// What the output is like and how it is made.
struct OutputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The size of a cluster: a power of two from 512 to 2M.",
      discussion: "Small clusters find more duplicates, large ones need less metadata.",
      valueName: "size"))
  var clusterSize = ClusterSizeArgument.standard

  @Flag(help: "Read the output back and compare it with the input before it gets its name.")
  var verify = false

  @Option(
    help: ArgumentHelp(
      "How many threads work, 1 to \(ThreadCount.range.upperBound). (default: the processors)"))
  var threads = ThreadCount.standard

  @Flag(help: "Replace the output if it exists, in one step at the end.")
  var force = false

  @Flag(help: "Do not wait until the output is on the disk.")
  var noSync = false
}
