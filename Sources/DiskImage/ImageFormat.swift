public import DiskIO
public import SystemPackage

/// A file format that is recognized by its first or last bytes.
public enum ImageFormat: String, CaseIterable, Sendable {
  case qcow1, qcow2, vmdk, vhd, vhdx, vdi, qed, parallels, luks
  case androidSparse = "android-sparse"
  case gzip, xz, zstd, bzip2, lz4, zip

  /// How many bytes from the beginning `init(head:tail:)` looks at.
  public static let headSize = 512
  /// How many bytes from the end `init(head:tail:)` looks at.
  public static let tailSize = 512

  /// The format's name with its article, for messages.
  public var name: String {
    switch self {
    case .qcow1: "a qcow1 image"
    case .qcow2: "a qcow2 image"
    case .vmdk: "a VMDK image"
    case .vhd: "a VHD image"
    case .vhdx: "a VHDX image"
    case .vdi: "a VDI image"
    case .qed: "a QED image"
    case .parallels: "a Parallels image"
    case .luks: "a LUKS container"
    case .androidSparse: "an Android sparse image"
    case .gzip, .xz, .zstd, .bzip2, .lz4: "a file compressed by \(rawValue)"
    case .zip: "a ZIP archive"
    }
  }
}

extension ImageFormat {
  /// The format that the first and last bytes of a file show; nil if they show none, as raw does.
  ///
  /// - Parameters:
  ///   - head: Up to `headSize` bytes from the beginning.
  ///   - tail: Up to `tailSize` bytes from the end; empty where the end is not known.
  public init?(head: [UInt8], tail: [UInt8]) {
    func has(_ magic: [UInt8], at offset: Int = 0) -> Bool {
      head.count >= offset + magic.count && head[offset..<offset + magic.count].elementsEqual(magic)
    }
    func begins(_ text: String) -> Bool { has(Array(text.utf8)) }

    if has([0x51, 0x46, 0x49, 0xFB]) {
      self = has([0, 0, 0, 1], at: 4) ? .qcow1 : .qcow2
    } else if begins("KDMV") || begins("COWD") || begins("# Disk DescriptorFile") {
      self = .vmdk
    } else if begins("vhdxfile") {
      self = .vhdx
    } else if begins("conectix") || tail.starts(with: Array("conectix".utf8)) {
      self = .vhd
    } else if has([0x7F, 0x10, 0xDA, 0xBE], at: 64) {
      self = .vdi
    } else if begins("QED\0") {
      self = .qed
    } else if begins("WithoutFreeSpace") || begins("WithouFreSpacExt") {
      self = .parallels
    } else if begins("LUKS") && has([0xBA, 0xBE], at: 4) {
      self = .luks
    } else if has([0x3A, 0xFF, 0x26, 0xED]) {
      self = .androidSparse
    } else if has([0x1F, 0x8B, 0x08]) {
      self = .gzip
    } else if has([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]) {
      self = .xz
    } else if has([0x28, 0xB5, 0x2F, 0xFD]) {
      self = .zstd
    } else if begins("BZh"), has([0x31, 0x41, 0x59, 0x26, 0x53, 0x59], at: 4) {
      self = .bzip2
    } else if has([0x04, 0x22, 0x4D, 0x18]) {
      self = .lz4
    } else if begins("PK\u{3}\u{4}") {
      self = .zip
    } else {
      return nil
    }
  }
}

extension OwnedFile {
  /// Opens a file that an image is in; a failure is an error of the image.
  public init(readingImage path: FilePath) throws(ImageError) {
    do { try self.init(readingFrom: path) } catch { throw .io(error) }
  }

  /// What kind of file this is; a failure is an error of the image.
  public borrowing func imageKind() throws(ImageError) -> FileKind {
    do { return try kind() } catch { throw .io(error) }
  }

  /// Makes sure that the file can be read at any place: a regular file or a block device.
  ///
  /// - Throws: `ImageError.notAnImage` if it is something else.
  public borrowing func requireRandomAccess() throws(ImageError) {
    let kind = try imageKind()
    guard kind == .regular || kind == .blockDevice else { throw .notAnImage(path, kind) }
  }

  /// What tells the file from others; a failure is an error of the image.
  public borrowing func imageIdentity() throws(ImageError) -> FileIdentity {
    do { return try identity() } catch { throw .io(error) }
  }

  /// The format that the first and last bytes show; nil for raw.
  ///
  /// - Throws: `ImageError.shrank` if fewer bytes can be read than the file has by its size: what is
  ///   missing might show a format. `.unknownSize` if it has content but no size.
  public borrowing func detectedFormat() throws(ImageError) -> ImageFormat? {
    let size: UInt64
    do { size = try self.size() } catch { throw .io(error) }
    try requireKnownSize(size)
    let tailStart = size - min(size, UInt64(ImageFormat.tailSize))
    return ImageFormat(
      head: try bytes(Int(min(size, UInt64(ImageFormat.headSize))), at: 0),
      tail: try bytes(Int(size - tailStart), at: tailStart))
  }

  /// Makes sure that a file of 0 bytes is empty: some file systems, such as that of /proc, give
  /// content to files without a size.
  borrowing func requireKnownSize(_ size: UInt64) throws(ImageError) {
    guard size == 0 else { return }
    let count: Int
    do {
      let buffer = try AlignedBuffer(byteCount: 1, purpose: "the ends of an image")
      count = try read(into: buffer.bytes, at: 0)
    } catch {
      throw .io(error)
    }
    if count > 0 { throw .unknownSize(path) }
  }

  private borrowing func bytes(_ count: Int, at offset: UInt64) throws(ImageError) -> [UInt8] {
    let bytes: [UInt8]
    do {
      let buffer = try AlignedBuffer(byteCount: count, purpose: "the ends of an image")
      bytes = Array(buffer.bytes[..<(try read(into: buffer.bytes, at: offset))])
    } catch {
      throw .io(error)
    }
    guard bytes.count == count else { throw shrank(readUpTo: offset + UInt64(bytes.count)) }
    return bytes
  }
}
