internal import DiskImage
internal import SystemPackage

extension ImageMetadata {
  /// Makes sure that the image's clusters can be read.
  ///
  /// - Parameter path: The image, for the commands that help.
  /// - Throws: `FormatError` that names what is not supported, and what to do about it.
  func checkReadable(_ path: FilePath) throws(FormatError) {
    let unreadable = header.incompatibleFeatures & ~ImageFeature.readable
    let names = features.filter {
      $0.kind == .incompatible && unreadable >> UInt64($0.bit) & 1 == 1 && $0 != .corrupt
    }
    try FormatError.require(
      names.isEmpty,
      """
      it needs \(names.count == 1 ? "a feature" : "features") that qdedup does not know: \
      \(names.map { "\($0.name.quoted) (incompatible bit \($0.bit))" }
        .joined(separator: ", ")); convert it with the program that made it
      """)
    try FormatError.require(
      !header.has(.corrupt),
      "it is marked as corrupt; repair it first: qemu-img check -r all \(path.shellWord)")
    try FormatError.require(
      encryption == nil,
      """
      it is encrypted (\(encryption ?? "")), and qdedup takes no keys; decrypt it first: \
      \(decryption(path))
      """)
    try FormatError.require(
      dataFile?.bytes.isEmpty != true,
      "its data is in an external file, but it has no header extension with that file's name")
  }

  /// The command that makes an image without encryption.
  private func decryption(_ path: FilePath) -> String {
    // A comma separates options.
    let name = path.string.split(separator: ",", omittingEmptySubsequences: false)
      .joined(separator: ",,")
    let method = encryption == "AES" ? "encrypt.format=aes," : ""
    let options = "driver=qcow2,\(method)encrypt.key-secret=key,file.filename=\(name)"
    return """
      qemu-img convert --object secret,id=key,file=KEY-FILE --image-opts \(options.shellWord) \
      -O qcow2 decrypted.qcow2
      """
  }
}
