/// The state of the hash store that an image carries.
public enum StoreState: String, Codable, Sendable {
  /// It may be used.
  case valid
  /// It may not be used, which its marks say.
  case stale
  /// Its marks say that it may be used, but it is wrong.
  case damaged
}
