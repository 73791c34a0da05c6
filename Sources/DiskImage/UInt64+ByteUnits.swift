extension UInt64 {
  private static let byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

  /// So many bytes in the largest unit that leaves at least 1: `1.5 GiB`, `4 KiB`, `17 B`.
  public var inByteUnits: String {
    var (unit, value) = (0, Double(self))
    while value >= 1024, unit < Self.byteUnits.count - 1 {
      value /= 1024
      unit += 1
    }
    let tenths = UInt64((value * 10).rounded())
    let isWhole = unit == 0 || value >= 100 || tenths % 10 == 0
    let text = isWhole ? "\(UInt64(value.rounded()))" : "\(tenths / 10).\(tenths % 10)"
    return text + " " + Self.byteUnits[unit]
  }
}
