/// A stretch of the file that a saved store claims for itself.
struct StoreExtent {
  /// The byte offset at which it begins.
  let offset: UInt64
  /// Its size in bytes.
  let byteCount: UInt64

  /// Checks that the stretch can be there (S32).
  ///
  /// - Parameters:
  ///   - fileSize: The bytes of the file.
  ///   - alignment: The image's cluster size; less than 512 counts as 512.
  /// - Throws: `StoreFormatError.unaligned` or `.outsideFile`; the first cluster counts as outside.
  func check(fileSize: UInt64, alignment: UInt64) throws(StoreFormatError) {
    let alignment = max(alignment, 512)
    guard offset % alignment == 0 else { throw .unaligned(offset: offset, alignment: alignment) }
    guard offset >= alignment, offset <= fileSize, fileSize - offset >= byteCount else {
      throw .outsideFile(
        offset: offset, byteCount: byteCount, allowed: alignment..<max(fileSize, alignment))
    }
  }
}
