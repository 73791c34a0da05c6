internal import DiskImage
internal import SystemPackage

extension ImageMetadata {
  /// Makes sure that the image's clusters can be read.
  ///
  /// - Parameter path: The image.
  /// - Throws: `ImageError.unsupported`, which names what is not supported, and what helps.
  func checkReadable(_ path: FilePath) throws(ImageError) {
    func require(_ condition: Bool, _ reason: String, _ remedies: Remedy...) throws(ImageError) {
      if !condition { throw .unsupported(path, reason: reason, remedies: remedies) }
    }
    let unreadable = header.incompatibleFeatures & ~ImageFeature.readable
    let names = features.filter {
      $0.kind == .incompatible && unreadable >> UInt64($0.bit) & 1 == 1 && $0 != .corrupt
    }
    try require(
      names.isEmpty,
      """
      it needs \(names.count == 1 ? "a feature" : "features") that qdedup does not know: \
      \(names.map { "\($0.name.quoted) (incompatible bit \($0.bit))" }.joined(separator: ", "))
      """, .convertWithItsProgram)
    try require(!header.has(.corrupt), "it is marked as corrupt", .repairFirst(path))
    if let encryption {
      try require(
        false, "it is encrypted (\(encryption)), and qdedup takes no keys",
        .decryptFirst(path, method: encryption))
    }
    try require(
      dataFile?.bytes.isEmpty != true,
      "its data is in an external file, but it has no header extension with that file's name")
  }
}
