import ArgumentParser

/// When and how progress is shown.
enum ProgressMode: String, ExpressibleByArgument, CaseIterable {
  case auto, always, never, json
}

/// How much is said while a command works.
struct ProgressOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Progress on standard error: a bar (always; auto: only on a terminal) or one JSON object a \
      line (json). (default: auto, or never with --quiet)
      """,
      discussion: """
        At most one line of json a second, and one at the end. A line has phase, processed_bytes \
        and total_bytes, which is null where it is not known: before the input is open, for a \
        pipe, and in phases that do not go through the disk. After success the last line has the phase done and the disk's size as both.
        """))
  var progress: ProgressMode?

  @Flag(
    name: [.short, .long],
    help: """
      Say nothing but errors: no report and no progress, except what --report and --progress ask \
      for.
      """)
  var quiet = false

  /// How progress is shown, quietness considered; nil for not at all.
  var style: ProgressStyle? {
    switch progress ?? (quiet ? .never : .auto) {
    case .never: nil
    case .auto: Terminal.standardErrorTakesBar ? .bar : nil
    case .always: .bar
    case .json: .json
    }
  }
}
