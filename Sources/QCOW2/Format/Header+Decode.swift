internal import DiskIO
internal import DiskImage

extension Header {
  /// Why bytes are not the header of an image that can be read.
  package struct DecodingError: Error, Equatable {
    /// What is wrong, with the value and the allowed range.
    package let reason: String

    static func require(_ holds: Bool, _ reason: @autoclosure () -> String) throws(DecodingError) {
      if !holds { throw DecodingError(reason: reason()) }
    }
  }

  /// Decodes the header of an image of the kind that this library writes: version 3 without
  /// backing file, encryption, snapshots or incompatible features.
  ///
  /// - Parameter bytes: The first `length` bytes of the file.
  /// - Throws: `DecodingError`; no content makes it trap.
  package init(decoding bytes: [UInt8]) throws(DecodingError) {
    try DecodingError.require(
      bytes.count >= Self.length,
      "the header is cut off: it has \(bytes.count) of \(Self.length) bytes")
    func field<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
      bytes.withUnsafeBytes { $0.loadBigEndian(type, at: offset) }
    }
    let version = field(UInt32.self, at: 4)
    let bits = field(UInt32.self, at: 20)
    let features = field(UInt64.self, at: 72)
    let unsupported = features & ~(1 << UInt64(ImageFeature.compressionType.bit))
    try DecodingError.require(field(UInt32.self, at: 0) == 0x5146_49FB, "not a qcow2 image")
    try DecodingError.require(version == 3, "qcow2 version \(version), must be 3")
    try DecodingError.require(
      (9...21).contains(bits), "cluster_bits \(bits), must be 9 to 21")
    try DecodingError.require(field(UInt64.self, at: 8) == 0, "it has a backing file")
    try DecodingError.require(field(UInt32.self, at: 32) == 0, "it is encrypted")
    try DecodingError.require(field(UInt32.self, at: 60) == 0, "it has snapshots")
    try DecodingError.require(
      unsupported == 0, "incompatible features 0x\(String(unsupported, radix: 16)) are unknown")
    guard let method = Compression.Method(headerValue: bytes[104]) else {
      throw DecodingError(reason: "compression type \(bytes[104]), must be 0 or 1")
    }
    compression = method
    incompatibleFeatures = features
    clusterBits = Int(bits)
    virtualSize = field(UInt64.self, at: 24)
    l1EntryCount = field(UInt32.self, at: 36)
    l1Offset = HostOffset(field(UInt64.self, at: 40))
    refcountTableOffset = HostOffset(field(UInt64.self, at: 48))
    refcountTableClusters = field(UInt32.self, at: 56)
    refcountOrder = field(UInt32.self, at: 96)
    autoclearFeatures = field(UInt64.self, at: 88)
  }
}
