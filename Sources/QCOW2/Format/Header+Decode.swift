internal import DiskIO
internal import DiskImage

extension Header {
  /// The bytes of a header of version 2, and the least of any.
  static let lengthOfVersion2 = 72
  /// The least length of a header of version 3.
  static let leastLengthOfVersion3 = 104

  /// Decodes the header of any image and checks all that needs no other part of the file.
  ///
  /// Whether the image can be read is another question: features, encryption and external files
  /// are not looked at.
  ///
  /// - Parameter bytes: The beginning of the file, at least `Header.length` bytes if it has them.
  /// - Throws: `FormatError`; no content makes it trap.
  package init(decoding bytes: [UInt8]) throws(FormatError) {
    try FormatError.require(
      bytes.count >= Self.lengthOfVersion2,
      "the header is cut off: it has \(bytes.count) of \(Self.lengthOfVersion2) bytes")
    func field<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
      bytes.withUnsafeBytes { $0.loadBigEndian(type, at: offset) }
    }
    try FormatError.require(field(UInt32.self, at: 0) == Self.magic, "not a qcow2 image")
    version = field(UInt32.self, at: 4)
    try FormatError.require(
      version == 2 || version == 3, "qcow2 version \(version), must be 2 or 3")
    let bits = field(UInt32.self, at: 20)
    try FormatError.require((9...21).contains(bits), "cluster_bits \(bits), must be 9 to 21")
    backingNameOffset = field(UInt64.self, at: 8)
    backingNameLength = field(UInt32.self, at: 16)
    clusterBits = Int(bits)
    virtualSize = field(UInt64.self, at: 24)
    encryption = field(UInt32.self, at: 32)
    l1EntryCount = field(UInt32.self, at: 36)
    l1Offset = HostOffset(field(UInt64.self, at: 40))
    refcountTableOffset = HostOffset(field(UInt64.self, at: 48))
    refcountTableClusters = field(UInt32.self, at: 56)
    snapshotCount = field(UInt32.self, at: 60)
    snapshotsOffset = HostOffset(field(UInt64.self, at: 64))
    (refcountOrder, length) = (4, Self.lengthOfVersion2)
    if version == 3 { try decodeVersion3(bytes) }
    try checkTables()
  }

  /// Decodes the fields that version 2 lacks.
  private mutating func decodeVersion3(_ bytes: [UInt8]) throws(FormatError) {
    try FormatError.require(
      bytes.count >= Self.leastLengthOfVersion3,
      "the header is cut off: it has \(bytes.count) of \(Self.leastLengthOfVersion3) bytes")
    func field<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
      bytes.withUnsafeBytes { $0.loadBigEndian(type, at: offset) }
    }
    incompatibleFeatures = field(UInt64.self, at: 72)
    compatibleFeatures = field(UInt64.self, at: 80)
    autoclearFeatures = field(UInt64.self, at: 88)
    refcountOrder = field(UInt32.self, at: 96)
    try FormatError.require(refcountOrder <= 6, "refcount_order \(refcountOrder), must be 0 to 6")
    let length = field(UInt32.self, at: 100)
    let lengths = Self.leastLengthOfVersion3...1 << clusterBits
    try FormatError.require(
      lengths.contains(Int(length)),
      "header length \(length), must be \(lengths.lowerBound) to \(lengths.upperBound)")
    self.length = Int(length)
    compression = try Self.compression(
      length > 104 && bytes.count > 104 ? bytes[104] : 0,
      hasFeature: has(.compressionType))
  }

  /// The method that byte 104 names. The feature says that it is not zlib.
  private static func compression(
    _ value: UInt8, hasFeature: Bool
  ) throws(FormatError) -> Compression.Method {
    guard let method = Compression.Method(headerValue: value) else {
      throw FormatError("compression type \(value), must be 0 (zlib) or 1 (zstd)")
    }
    try FormatError.require(
      hasFeature == (method != .zlib),
      "compression type \(value) with the feature bit of another compression")
    return method
  }

  /// Checks the sizes and places of tables that depend on nothing else.
  private func checkTables() throws(FormatError) {
    let geometry = TableGeometry(self)
    let (most, needed) = (
      ImageLimits.l1Size / ImageLimits.tableEntrySize,
      virtualSize.dividedUp(by: geometry.bytesPerTable)
    )
    try FormatError.require(
      !has(.extendedL2) || clusterBits >= 14,
      "extended L2 entries with cluster_bits \(clusterBits), must be 14 to 21")
    try FormatError.require(
      l1EntryCount <= most, "an L1 table of \(l1EntryCount) entries, must be at most \(most)")
    try FormatError.require(
      l1EntryCount >= needed,
      """
      an L1 table of \(l1EntryCount) entries for a disk of \(virtualSize) bytes, \
      must be at least \(needed)
      """)
    try FormatError.require(
      l1EntryCount == 0 || geometry.isClusterAligned(l1Offset),
      "an L1 table at byte \(l1Offset.bytes), must be a multiple of the cluster size")
    try FormatError.require(
      backingNameOffset == 0 || backingNameLength <= ImageLimits.backingNameLength,
      """
      a backing file name of \(backingNameLength) bytes, \
      must be at most \(ImageLimits.backingNameLength)
      """)
    let end = backingNameOffset.addingReportingOverflow(UInt64(backingNameLength))
    try FormatError.require(
      backingNameOffset == 0 || !end.overflow && end.partialValue <= 1 << clusterBits,
      "a backing file name at byte \(backingNameOffset), must be within the first cluster")
  }

  /// Whether a feature is switched on.
  package func has(_ feature: ImageFeature) -> Bool {
    let bits =
      switch feature.kind {
      case .incompatible: incompatibleFeatures
      case .compatible: compatibleFeatures
      case .autoclear: autoclearFeatures
      }
    return bits >> UInt64(feature.bit) & 1 == 1
  }
}
