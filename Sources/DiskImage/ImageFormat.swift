internal import SystemPackage

/// A file format that is told from raw data by its first or last bytes.
public enum ImageFormat: String, CaseIterable, Sendable {
  case qcow1, qcow2, vmdk, vhd, vhdx, vdi, qed, gzip, xz, zstd, bzip2

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
    case .gzip, .xz, .zstd, .bzip2: "a file compressed by \(rawValue)"
    }
  }

  /// What to do with a file of this format to convert it.
  func hint(for path: FilePath) -> String {
    let path = path.shellWord
    let asRaw = "to take its bytes as a raw disk all the same, say -f raw"
    switch self {
    case .gzip, .xz, .zstd, .bzip2:
      return "unpack it into a pipe: \(rawValue) -dc \(path) | qdedup convert - OUTPUT (\(asRaw))"
    default:
      return "convert it first: qemu-img convert -O raw \(path) disk.raw (\(asRaw))"
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
    } else if has([0x1F, 0x8B, 0x08]) {
      self = .gzip
    } else if has([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]) {
      self = .xz
    } else if has([0x28, 0xB5, 0x2F, 0xFD]) {
      self = .zstd
    } else if begins("BZh"), has([0x31, 0x41, 0x59, 0x26, 0x53, 0x59], at: 4) {
      self = .bzip2
    } else {
      return nil
    }
  }
}

extension FilePath {
  /// The path as a word for a shell: in quotes if it has characters that mean something there.
  fileprivate var shellWord: String {
    let isPlain = string.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "/._-+,:@%".utf8.contains(byte)
      }
    }
    if isPlain { return string }
    let parts = string.split(separator: "'", omittingEmptySubsequences: false)
    return "'" + parts.joined(separator: "'\\''") + "'"
  }
}
