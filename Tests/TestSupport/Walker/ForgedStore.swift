public import SystemPackage

/// Changes the hash store of an image as someone may do it on purpose: with right checksums.
public struct ForgedStore {
  private let path: FilePath
  private let header: WalkedExtension

  /// The store of a sound image, whose lists stand in the first cluster.
  ///
  /// - Throws: `TestSupportError` if the image has none.
  public init(_ path: FilePath) throws {
    let found = try QCOW2Walker(path).extensions.first { $0.type == WalkedExtension.hashStore }
    guard let found, found.data.number(8, at: 16) == 0 else {
      throw TestSupportError("no hash store with its lists in the first cluster of \(path)")
    }
    self.path = path
    header = found
  }

  /// Changes bytes of the header extension: 32 of fields, then, from byte 40 on, the lists.
  ///
  /// - Parameter changes: Where, and the new bytes.
  /// - Throws: `Errno` if the file cannot be written.
  public func changeHeader(_ changes: [Int: [UInt8]]) throws {
    var data = header.data
    for (offset, bytes) in changes {
      data.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
    let checksum = XXH3Reference.hash64(Array(data[..<32] + data[40...]))
    data.replaceSubrange(32..<40, with: Self.bigEndian(checksum))
    try write(data, at: Int64(header.offset))
  }

  /// Moves the youngest incarnation past the end of the file, as the last thing there.
  ///
  /// - Returns: Where it begins now.
  /// - Throws: `Errno` if the file cannot be read or written.
  public func moveYoungestToEnd() throws -> UInt64 {
    let file = try RawImage.read(path)
    let geometry = StoreTableGeometry(order: Int(header.data.number(4, at: 40)))
    let old = Int(header.data.number(8, at: 52))
    let new = (UInt64(file.count) + 0xffff) & ~0xffff
    try write(Array(file[old..<old + geometry.bytes]), at: Int64(new))
    try changeHeader([52: Self.bigEndian(new)])
    return new
  }

  /// Makes the youngest incarnation one of an order of which nothing but the trailer is there, in a
  /// hole past the end of the file; there must be no other one.
  public func claim(order: Int) throws {
    let geometry = StoreTableGeometry(order: order)
    let new = UInt64(1) << 40
    var trailer = Array("QDINCARN".utf8) + Self.bigEndian(UInt32(1))
    trailer += Self.bigEndian(UInt32(order)) + Self.bigEndian(UInt64(1))
    trailer += [UInt8](repeating: 0, count: 32)
    trailer += Self.bigEndian(XXH3Reference.hash64(trailer))
    try write(trailer, at: Int64(new) + Int64(geometry.filterBytes - trailer.count))
    try changeHeader([
      40: Self.bigEndian(UInt32(order)), 52: Self.bigEndian(new),
    ])
    try resize(to: Int64(new) + Int64(geometry.bytes))
  }

  /// Cuts the file off, or lets it end in a hole.
  public func resize(to size: Int64) throws {
    let file = try FileDescriptor.open(path, .writeOnly, options: .closeOnExec)
    try file.closeAfter { try file.resize(to: size) }
  }

  private func write(_ bytes: [UInt8], at offset: Int64) throws {
    let file = try FileDescriptor.open(path, .writeOnly, options: .closeOnExec)
    _ = try file.closeAfter { try file.writeAll(toAbsoluteOffset: offset, bytes) }
  }

  /// A number as the store has it.
  public static func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
  }
}
