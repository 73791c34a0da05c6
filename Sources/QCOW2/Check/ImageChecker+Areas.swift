internal import DiskIO
internal import DiskImage
internal import SystemPackage

extension FilePath {
  /// Whether a file has this name, or may have it.
  fileprivate var mayExist: Bool {
    do { return try FileIdentity(of: self) != nil } catch { return true }
  }
}

extension ImageChecker {
  private static let bitmapReserved: UInt64 = 0xFF00_0000_0000_01FE
  private static let largestEncryptionHeader: UInt64 = 64 << 20
  private static let mostBitmaps: UInt32 = 65_535
  private static let largestDirectory: UInt64 = 1024 * 65_535

  /// Counts the clusters that a LUKS header takes.
  func checkEncryptionHeader() throws(ImageError) {
    let data = metadata.extensions.data(of: HeaderExtension.encryptionHeader)
    guard data?.count == (metadata.header.encryption == 2 ? 16 : nil) else {
      throw file.malformed(
        """
        a header extension for encryption of \(data?.count ?? 0) bytes with encryption method \
        \(metadata.header.encryption), must be 16 bytes with method 2, and none without
        """)
    }
    guard let data else { return }
    let (offset, length) = data.withUnsafeBytes {
      ($0.loadBigEndian(UInt64.self, at: 0), $0.loadBigEndian(UInt64.self, at: 8))
    }
    guard geometry.isClusterAligned(HostOffset(offset)), length <= Self.largestEncryptionHeader
    else {
      throw file.malformed(
        """
        an encryption header of \(length) bytes at byte \(offset), must be a multiple of the \
        cluster size and at most \(Self.largestEncryptionHeader) bytes
        """)
    }
    refer(to: HostOffset(offset), byteCount: length, .other, "the encryption header")
  }

  /// Looks for the data file, without opening it: where there is none, the tables lead to nothing.
  ///
  /// A name that is not that of a local file says nothing.
  func checkDataFile() {
    guard let external = metadata.dataFile else { return }
    if external.bytes.isEmpty {
      result.findings.add(.checkError) {
        CheckFinding(
          .checkError,
          "its data is in an external file, but it has no header extension with that file's name")
      }
      return
    }
    guard let paths = try? external.paths(from: file.path), !paths.contains(where: \.mayExist)
    else { return }
    result.findings.add(.checkError) {
      CheckFinding(.checkError, "its data file \(external.quoted) is not there")
    }
  }

  /// Counts the clusters that persistent bitmaps take, if they are up to date.
  ///
  /// What is wrong with them is a check error: QEMU does not open such an image.
  func checkBitmaps() throws(ImageError) {
    guard metadata.header.has(.bitmaps),
      let data = metadata.extensions.data(of: HeaderExtension.bitmaps)
    else { return }
    do throws(FormatError) {
      let bitmaps = try BitmapDirectory(data, geometry)
      refer(to: bitmaps.host, byteCount: UInt64(bitmaps.byteCount), .other, "the bitmap directory")
      let bytes = try padded(bitmaps.byteCount, at: bitmaps.host)
      var offset = 0
      var entries: [BitmapEntry] = []
      while offset < bytes.count, entries.count <= Int(bitmaps.count) {
        let entry = try BitmapEntry(
          bytes, at: offset, geometry, virtualSize: metadata.virtualSize)
        entries.append(entry)
        offset += entry.byteCount
      }
      try FormatError.require(
        entries.count == Int(bitmaps.count),
        """
        a bitmap directory of \(offset < bytes.count ? "more" : "\(entries.count)") bitmaps, \
        must be \(bitmaps.count)
        """)
      let tableBytes = entries.reduce(0) {
        $0 + bytesInFile($1.tableEntryCount * 8, $1.tableOffset)
      }
      try FormatError.require(
        mayBeApart(tableBytes), "the tables of bitmaps overlap: \(tableBytes) bytes in all")
      for entry in entries { try check(entry) }
    } catch {
      result.findings.add(.checkError) { CheckFinding(.checkError, error.reason) }
    }
  }

  /// Counts the clusters of one bitmap.
  private func check(_ bitmap: BitmapEntry) throws(FormatError) {
    refer(
      to: bitmap.tableOffset, byteCount: bitmap.tableEntryCount * 8, .other,
      "the table of bitmap \(bitmap.name.quoted)")
    var problem: FormatError?
    do throws(ImageError) {
      try tableReader.forEachWord(at: bitmap.tableOffset, count: bitmap.tableEntryCount) {
        index, entry in
        let host = HostOffset(entry & TableEntry.offsetMask)
        if entry & Self.bitmapReserved != 0 || !geometry.isClusterAligned(host)
          || host.bytes != 0 && entry & 1 != 0
        {
          problem = FormatError(
            "bitmap \(bitmap.name.quoted): table entry \(index) is \(hexadecimal(entry))")
        } else if host.bytes != 0 {
          refer(
            to: host, byteCount: geometry.clusterSize, .other,
            "a cluster of bitmap \(bitmap.name.quoted)")
        }
      }
    } catch {
      problem = FormatError("bitmap \(bitmap.name.quoted): \(error)")
    }
    if let problem { throw problem }
  }

  private func padded(_ count: Int, at host: HostOffset) throws(FormatError) -> [UInt8] {
    do { return try file.padded(count, at: host) } catch {
      throw FormatError("the bitmap directory: \(error)")
    }
  }

  /// What the header extension says of the bitmaps: number u32, zero u32, size and offset of their
  /// directory u64.
  private struct BitmapDirectory {
    let count: UInt32
    let byteCount: Int
    let host: HostOffset

    init(_ data: [UInt8], _ geometry: TableGeometry) throws(FormatError) {
      try FormatError.require(
        data.count == 24, "a header extension for bitmaps of \(data.count) bytes, must be 24")
      func field<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
        data.withUnsafeBytes { $0.loadBigEndian(type, at: offset) }
      }
      let size = field(UInt64.self, at: 8)
      count = field(UInt32.self, at: 0)
      host = HostOffset(field(UInt64.self, at: 16))
      try FormatError.require(
        field(UInt32.self, at: 4) == 0 && (1...ImageChecker.mostBitmaps).contains(count)
          && (1...ImageChecker.largestDirectory).contains(size),
        """
        \(count) bitmaps with a directory of \(size) bytes, must be 1 to \
        \(ImageChecker.mostBitmaps) with at most \(ImageChecker.largestDirectory)
        """)
      try FormatError.require(
        geometry.isClusterAligned(host) && host.bytes <= UInt64(Int64.max >> 1),
        "a bitmap directory at byte \(host.bytes), must be a multiple of the cluster size")
      byteCount = Int(size)
    }
  }
}
