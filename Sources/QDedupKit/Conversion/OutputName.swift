internal import DiskIO
package import DiskImage
package import SystemPackage

/// The name of an output, found to be free or replaceable.
package struct OutputName {
  /// Where the output goes: the name given, links followed.
  package let path: FilePath

  /// Checks the name before anything is written.
  ///
  /// - Parameters:
  ///   - given: The name as the user wrote it.
  ///   - replaces: Whether an existing regular file may be replaced.
  ///   - inputs: The files that are read.
  /// - Throws: `ConversionError` of the output's kind.
  package init(_ given: FilePath, replaces: Bool, inputs: [ImagePart]) throws(ConversionError) {
    let existing = try converting(ConversionError.io) { () throws(IOError) in
      try FileIdentity(of: given)
    }
    guard let existing else {
      if given.isSymbolicLink { throw .outputDangling(given) }
      path = given
      return
    }
    if let part = inputs.first(where: { $0.identity == existing }) {
      throw .outputIsInput(given, part.role)
    }
    guard existing.isRegular else { throw .outputNotRegular(given) }
    guard replaces else { throw .outputExists(given) }
    if ImageLock.isWritten(given) { throw .outputInUse(given) }
    path = given.followingLinks
  }
}
