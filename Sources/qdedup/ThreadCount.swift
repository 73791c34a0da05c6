import ArgumentParser
import DiskIO

/// A number of threads, checked.
struct ThreadCount: ExpressibleByArgument {
  let count: Int

  static let range = 1...256

  /// As many as there are processors to run on.
  static var standard: ThreadCount {
    ThreadCount(count: min(max(Processors.available, range.lowerBound), range.upperBound))
  }

  private init(count: Int) { self.count = count }

  init?(argument: String) {
    guard let count = Int(argument), Self.range.contains(count) else { return nil }
    self.count = count
  }

  var defaultValueDescription: String { "" }
}
