import ArgumentParser
import DiskIO
import Glibc
import QDedupKit
import Synchronization

/// What progress looks like.
enum ProgressStyle {
  /// One line that is drawn over and over.
  case bar
  /// One JSON object a line.
  case json
}

/// Shows the progress of an operation on standard error, from a thread of its own.
final class ProgressDisplay: Sendable {
  private let style: ProgressStyle
  private let progress: Progress
  private let isOver = Atomic(false)
  private let thread = Mutex<WorkerThread?>(nil)

  private static let microsecondsPerLook: useconds_t = 10_000
  /// The bar is drawn ten times a second; a line of JSON comes once a second at most.
  private var looksPerDrawing: Int { style == .bar ? 10 : 100 }
  private static let barWidth = 24

  /// Begins to show `progress`.
  init(_ style: ProgressStyle, _ progress: Progress) {
    self.style = style
    self.progress = progress
    // Without a thread there is no display, and the conversion goes on.
    let started = try? WorkerThread { [self] in show() }
    thread.withLock { $0 = started }
  }

  /// Ends the display and leaves the line clean.
  func stop() {
    isOver.store(true, ordering: .relaxed)
    thread.withLock { $0.take() }?.join()
  }

  private func show() {
    var looks = 0
    while !isOver.load(ordering: .relaxed) {
      if looks % looksPerDrawing == 0 { Terminal.writeError(style == .bar ? bar : line) }
      looks += 1
      usleep(Self.microsecondsPerLook)
    }
    Terminal.writeError(style == .bar ? "\r\u{1B}[K" : line)
  }

  /// The line, no longer than the terminal is wide: what wraps is not drawn over.
  private var bar: String {
    let done = progress.processedBytes
    var text = "\(progress.phase) \(Quantity.bytes(done))"
    if let total = progress.totalBytes, total > 0 {
      let part = min(1, Double(done) / Double(total))
      let filled = Int(part * Double(Self.barWidth))
      let (full, empty) = Terminal.takesUTF8 ? ("█", "░") : ("#", ".")
      let bar = String(repeating: full, count: filled)
      let rest = String(repeating: empty, count: Self.barWidth - filled)
      text += " of \(Quantity.bytes(total)) \(bar)\(rest) \(Int(part * 100)) %"
    }
    // Some terminals wrap as soon as the last place is taken.
    return "\r\u{1B}[K" + text.prefix(max(1, Terminal.standardErrorWidth - 1))
  }

  private struct Line: Encodable {
    let phase: String
    let processedBytes: UInt64
    let totalBytes: UInt64?

    private enum CodingKeys: CodingKey {
      case phase, processedBytes, totalBytes
    }

    /// All keys, always: what the compiler would make leaves out one without a value.
    func encode(to encoder: any Encoder) throws {
      var line = encoder.container(keyedBy: CodingKeys.self)
      try line.encode(phase, forKey: .phase)
      try line.encode(processedBytes, forKey: .processedBytes)
      try line.encode(totalBytes, forKey: .totalBytes)
    }
  }

  private var line: String {
    let line = Line(
      phase: "\(progress.phase)", processedBytes: progress.processedBytes,
      totalBytes: progress.totalBytes)
    return ((try? JSONText.line(line)) ?? "") + "\n"
  }
}

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
