/// Why bytes are not what the qcow2 specification says they must be, or use what is not supported.
package struct FormatError: Error, Equatable {
  /// What is wrong, with the value and the allowed range.
  package let reason: String

  package init(_ reason: String) {
    self.reason = reason
  }

  /// Throws an error of this reason unless `holds`.
  static func require(_ holds: Bool, _ reason: @autoclosure () -> String) throws(FormatError) {
    if !holds { throw FormatError(reason()) }
  }
}
