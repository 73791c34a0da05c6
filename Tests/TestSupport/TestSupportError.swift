/// Something that a test needs does not work; its message says what, and what to do about it.
public struct TestSupportError: Error, CustomStringConvertible {
  /// The message, for the reader of the failed test.
  public let description: String

  /// An error with the given message.
  public init(_ description: String) {
    self.description = description
  }
}
