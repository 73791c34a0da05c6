import ArgumentParser

/// The formats that `--format` takes.
enum InputFormat: String, ExpressibleByArgument, CaseIterable {
  case raw
}

/// How the input is read.
struct InputOptions: ParsableArguments {
  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "Take the input as raw bytes whatever they look like. (default: by content)",
      discussion: "Known other formats are refused otherwise, with a hint how to convert them."))
  var format: InputFormat?

  @Flag(
    name: [.customShort("U"), .long],
    help: "Read the input although a running QEMU holds it. What it changes meanwhile may be lost.")
  var forceShare = false
}
