import ArgumentParser
import DiskImage
import DiskIO

/// A number of bytes as people write it: `4096`, `4K`, `64m`, `1GiB`.
enum ByteSize {
  /// The units, each 1024 of the one before it.
  private static let units = ["k", "m", "g", "t"]

  /// The number of bytes.
  ///
  /// - Throws: `ValidationError`, which says how a size is written, if `text` is no size or too large
  ///   a one.
  static func parse(_ text: String) throws -> UInt64 {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text.dropFirst(digits.count).lowercased()
    if units.contains(where: { unit == $0 + "b" }) {
      throw ValidationError(
        """
        \(unit.uppercased()) may mean 1000 or 1024; \(forms), such as \
        \(digits.isEmpty ? "64" : digits)\(unit.prefix(1).uppercased())
        """
      )
    }
    let exponent = units.firstIndex { unit == $0 || unit == $0 + "ib" }
    guard let number = UInt64(digits), exponent != nil || unit.isEmpty else {
      throw ValidationError(forms)
    }
    let factor: UInt64 = 1 << (10 * (exponent.map { UInt64($0) + 1 } ?? 0))
    let (size, overflow) = number.multipliedReportingOverflow(by: factor)
    if overflow { throw ValidationError("it is too large") }
    return size
  }

  /// How a size is written.
  private static let forms =
    "a size is a number of bytes, or one with K, M, G or T (or KiB, MiB, GiB, TiB: powers of 1024)"
}

/// A cluster size as people write it: `4096`, `4K`, `64KiB`, `2M`, or `auto`.
enum ClusterSizeArgument: Equatable {
  /// Chosen by the content of the input.
  case automatic
  /// This one.
  case fixed(ClusterGeometry)

  /// The size of the clusters in which the hash store was designed to find duplicates.
  static let standard = ClusterGeometry(clusterSize: 4096)!

  /// The clusters that `text` asks for.
  ///
  /// - Throws: `ValidationError` if it is no size, or none for clusters.
  @Sendable static func parse(_ text: String) throws -> ClusterSizeArgument {
    if text == "auto" { return .automatic }
    guard let size = Int(exactly: try ByteSize.parse(text)),
      let geometry = ClusterGeometry(clusterSize: size)
    else { throw ValidationError("a cluster is a power of two from 512 to 2M, or auto") }
    return .fixed(geometry)
  }

  /// The clusters to use, where they are not chosen.
  var geometry: ClusterGeometry {
    if case .fixed(let geometry) = self { geometry } else { Self.standard }
  }
}

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
