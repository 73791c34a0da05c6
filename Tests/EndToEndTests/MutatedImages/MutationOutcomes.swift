import TestSupport

/// What came of the runs over mutated images, for the one who asked for many.
struct MutationOutcomes: CustomStringConvertible {
  private var (converted, refused) = (0, 0)
  private var peakMemory = 0
  private var longest = Duration.zero

  /// Counts a run.
  mutating func add(_ result: CommandResult, took duration: Duration) {
    if result.exitCode == 0 { converted += 1 } else { refused += 1 }
    peakMemory = max(peakMemory, result.peakMemory)
    longest = max(longest, duration)
  }

  /// Counts, memory and time in a line.
  var description: String {
    let milliseconds = longest / Duration.milliseconds(1)
    return """
      exit 0: \(converted), exit 1: \(refused), most memory: \(peakMemory >> 10) KiB, \
      longest run: \(Int(milliseconds)) ms
      """
  }
}
