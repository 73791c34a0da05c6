internal import DiskImage

extension ImageMetadata {
  /// Makes sure that the image's tables can be walked through.
  ///
  /// More images pass than can be read: encryption, the corrupt bit and files that the image names
  /// do not matter here.
  ///
  /// - Throws: `ImageError.malformed` for what QEMU does not open either.
  func checkCheckable(in file: ImageFile) throws(ImageError) {
    try decoding(file.path) { () throws(FormatError) in
      let known = ImageFeature.bits(of: .incompatible, in: ImageFeature.known)
      let unknown = features.filter {
        $0.kind == .incompatible && known >> UInt64($0.bit) & 1 == 0
      }
      try FormatError.require(
        unknown.isEmpty,
        """
        it needs what qdedup does not know: \
        \(unknown.map { "\($0.name.quoted) (incompatible bit \($0.bit))" }
          .joined(separator: ", "))
        """)
      try FormatError.require(
        header.encryption <= 2, "encryption method \(header.encryption), must be 0 to 2")
      try FormatError.require(
        !header.has(.rawExternalData) || header.has(.externalDataFile),
        "its data file is said to be raw, but it has none")
      try checkPlace(
        "an L1 table", header.l1Offset, UInt64(header.l1EntryCount), ImageLimits.l1Size)
      try checkPlace(
        "a refcount table", header.refcountTableOffset,
        UInt64(header.refcountTableClusters) << UInt64(header.clusterBits - 3),
        ImageLimits.refcountTableSize)
      try checkPlace("a snapshot table", header.snapshotsOffset, 0, 0)
    }
  }

  private func checkPlace(
    _ what: String, _ host: HostOffset, _ entries: UInt64, _ mostBytes: UInt64
  ) throws(FormatError) {
    try FormatError.require(
      entries <= mostBytes / 8,
      "\(what) of \(entries) entries, must be at most \(mostBytes / 8)")
    try FormatError.require(
      TableGeometry(header).isClusterAligned(host)
        && host.bytes <= UInt64(Int64.max) - mostBytes,
      "\(what) at byte \(host.bytes), must be a multiple of the cluster size in the file")
  }
}
