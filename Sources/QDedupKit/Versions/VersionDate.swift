import Glibc

/// When a version was made, as its snapshot says: whole seconds since 1970.
///
/// The same commands are to give the same bytes, so the clock is not looked at unless that is asked
/// for (Documentation/Versions.md, "Dates").
public enum VersionDate: Hashable, Sendable {
  /// These seconds since 1970.
  case seconds(UInt32)
  /// The time when the version is made.
  case now
}

/// What becomes of an active disk that is no copy of a version, when another is to take its place.
public enum ActiveDiskChoice: Hashable, Sendable {
  /// It stays, and the operation is refused.
  case refuse
  /// It becomes a version with this name.
  case keep(as: VersionName)
  /// It is dropped.
  case discard
}

extension VersionDate {
  /// The seconds since 1970; the clock's, at most 2^32 − 1, for `now`.
  public var resolved: UInt32 {
    switch self {
    case .seconds(let seconds): return seconds
    case .now:
      var clock = timespec()
      clock_gettime(CLOCK_REALTIME, &clock)
      return UInt32(clamping: clock.tv_sec)
    }
  }
}
