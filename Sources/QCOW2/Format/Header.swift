internal import DiskIO
internal import DiskImage

/// The header of an image (qcow2 specification, "Header").
///
/// | bytes   | field                          | bytes   | field                            |
/// |---------|--------------------------------|---------|----------------------------------|
/// | 0–3     | magic `QFI` 0xFB               | 56–59   | refcount table's clusters        |
/// | 4–7     | version 2 or 3                 | 60–63   | number of snapshots              |
/// | 8–15    | backing file name's offset, 0  | 64–71   | snapshot table's host offset     |
/// | 16–19   | backing file name's length     | 72–79   | incompatible features (from 3 on)|
/// | 20–23   | cluster_bits                   | 80–87   | compatible features              |
/// | 24–31   | virtual size in bytes          | 88–95   | autoclear features               |
/// | 32–35   | encryption: 0 none             | 96–99   | refcount_order                   |
/// | 36–39   | number of L1 entries           | 100–103 | header length                    |
/// | 40–47   | L1 table's host offset         | 104     | compression type                 |
/// | 48–55   | refcount table's host offset   | 105–111 | 0                                |
package struct Header: Equatable, Sendable {
  /// The version of the format: 2 or 3.
  package var version: UInt32 = 3
  /// Where in the first cluster the backing file's name begins; 0 without one.
  package var backingNameOffset: UInt64 = 0
  /// The bytes of that name.
  package var backingNameLength: UInt32 = 0
  /// The binary logarithm of the cluster size.
  package var clusterBits: Int
  /// The size of the guest's disk in bytes.
  package var virtualSize: UInt64
  /// How clusters are encrypted: 0 not at all, 1 AES, 2 LUKS.
  package var encryption: UInt32 = 0
  /// The number of entries of the L1 table.
  package var l1EntryCount: UInt32
  /// Where the L1 table begins.
  package var l1Offset: HostOffset
  /// Where the refcount table begins.
  package var refcountTableOffset: HostOffset
  /// How many clusters the refcount table takes.
  package var refcountTableClusters: UInt32
  /// How many internal snapshots there are.
  package var snapshotCount: UInt32 = 0
  /// Where the snapshot table begins.
  package var snapshotsOffset = HostOffset(0)
  /// The features without which no program can read the image.
  package var incompatibleFeatures: UInt64 = 0
  /// The features that a program may ignore.
  package var compatibleFeatures: UInt64 = 0
  /// The features whose bits any program that writes clears unless it knows them.
  package var autoclearFeatures: UInt64 = 0
  /// The binary logarithm of the refcounts' width in bits: 4 in version 2.
  package var refcountOrder: UInt32
  /// Where the header ends and its extensions begin: 72 in version 2.
  package var length = Header.length
  /// How compressed clusters are compressed.
  package var compression: CompressionMethod = .zlib

  /// The length of the headers that are written, without extensions, in bytes.
  package static let length = 112
  /// The first four bytes of every image.
  static let magic: UInt32 = 0x5146_49FB

  /// The bytes of a header of version 3 that is `Header.length` long, big-endian; header extensions
  /// follow them.
  package func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.length)
    bytes.append(bigEndian: Self.magic)
    bytes.append(bigEndian: 3 as UInt32)
    bytes.append(bigEndian: backingNameOffset)
    bytes.append(bigEndian: backingNameLength)
    bytes.append(bigEndian: UInt32(clusterBits))
    bytes.append(bigEndian: virtualSize)
    bytes.append(bigEndian: encryption)
    bytes.append(bigEndian: l1EntryCount)
    bytes.append(bigEndian: l1Offset.bytes)
    bytes.append(bigEndian: refcountTableOffset.bytes)
    bytes.append(bigEndian: refcountTableClusters)
    bytes.append(bigEndian: snapshotCount)
    bytes.append(bigEndian: snapshotsOffset.bytes)
    bytes.append(bigEndian: incompatibleFeatures)
    bytes.append(bigEndian: compatibleFeatures)
    bytes.append(bigEndian: autoclearFeatures)
    bytes.append(bigEndian: refcountOrder)
    bytes.append(bigEndian: UInt32(Self.length))
    bytes.append(compression.headerValue)
    bytes.pad(toMultipleOf: 8)
    return bytes
  }
}

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
  ) throws(FormatError) -> CompressionMethod {
    guard let method = CompressionMethod(headerValue: value) else {
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
