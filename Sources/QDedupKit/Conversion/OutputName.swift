internal import DiskIO
package import DiskImage
package import SystemPackage

/// The name of an output, found to be free or replaceable.
package struct OutputName {
  /// Where the output goes: the name given, links followed.
  package let path: FilePath
  /// Whether a file that has the name may be replaced.
  let isReplaceable: Bool
  /// What has that name and is to be replaced, held so that no QEMU begins to write to it.
  private let held: ReplacedFile?
  private let given: FilePath

  /// Checks the name before anything is written.
  ///
  /// - Parameters:
  ///   - given: The name as the user wrote it.
  ///   - replaces: Whether an existing regular file may be replaced.
  ///   - inputs: The files that are read.
  /// - Throws: `ConversionError` of the output's kind.
  package init(_ given: FilePath, replaces: Bool, inputs: [ImagePart]) throws(ConversionError) {
    self.given = given
    isReplaceable = replaces
    let existing = try converting(ConversionError.io) { () throws(IOError) in
      try FileIdentity(of: given)
    }
    guard let existing else {
      if given.isSymbolicLink { throw .outputDangling(given) }
      path = given
      held = nil
      return
    }
    if let part = inputs.first(where: { $0.identity == existing }) {
      throw .outputIsInput(given, part.role)
    }
    if existing.isBlockDevice { throw .outputIsDevice(given) }
    guard existing.isRegular else { throw .outputNotRegular(given) }
    guard replaces else { throw .outputExists(given) }
    path = given.followingLinks
    held = try Self.hold(path, insteadOf: nil, given)
  }

  /// Makes sure, right before the output gets its name, that what it replaces is held, even if
  /// another file has the name by now.
  ///
  /// - Returns: What is held, to be kept until the output has its name; nil if nothing is replaced.
  /// - Throws: `ConversionError.outputInUse` if a running QEMU may write to it.
  package func hold() throws(ConversionError) -> ReplacedFile? {
    isReplaceable ? try Self.hold(path, insteadOf: held, given) : nil
  }

  private static func hold(
    _ path: FilePath, insteadOf held: ReplacedFile?, _ given: FilePath
  ) throws(ConversionError) -> ReplacedFile? {
    do {
      return try ReplacedFile.hold(path, insteadOf: held)
    } catch {
      if case .inUse = error { throw .outputInUse(given) }
      throw .image(error)
    }
  }
}
