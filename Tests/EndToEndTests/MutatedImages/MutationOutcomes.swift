import TestSupport

/// What came of the runs over mutated images, for the one who asked for many.
struct MutationOutcomes: CustomStringConvertible {
  private var (succeeded, failed) = (0, 0)
  private var peakMemory = 0
  private var longest = Duration.zero

  /// Counts a run.
  mutating func add(_ result: CommandResult, took duration: Duration) {
    if result.exitCode == 0 { succeeded += 1 } else { failed += 1 }
    peakMemory = max(peakMemory, result.peakMemory)
    longest = max(longest, duration)
  }

  /// Counts, memory and time in a line.
  var description: String {
    let milliseconds = longest / Duration.milliseconds(1)
    return """
      exit 0: \(succeeded), other: \(failed), most memory: \(peakMemory >> 10) KiB, \
      longest run: \(Int(milliseconds)) ms
      """
  }
}
