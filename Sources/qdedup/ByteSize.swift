/// A number of bytes as people write it: `4096`, `4K`, `64m`, `1G`.
enum ByteSize {
  private static let factors: [Character: UInt64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]

  /// The number of bytes; nil if `text` is no such number, or too large a one.
  static func bytes(_ text: String) -> UInt64? {
    let factor = text.last.flatMap { factors[Character($0.uppercased())] }
    guard let number = UInt64(factor == nil ? text[...] : text.dropLast()) else { return nil }
    let (size, overflow) = number.multipliedReportingOverflow(by: factor ?? 1)
    return overflow ? nil : size
  }
}
