import Glibc

/// Points in time as people read them.
enum DateText {
  /// Seconds since 1970 as date and time of day, in UTC: `2026-11-27 04:08:24 UTC`.
  static func utc(_ seconds: UInt64) -> String {
    var (clock, parts) = (time_t(seconds), tm())
    gmtime_r(&clock, &parts)
    func two(_ number: CInt) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let day = "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    return "\(day) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) UTC"
  }
}
