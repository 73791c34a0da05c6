import DiskImage

/// How to get at the disk in a file of a format that is not read.
struct ForeignFormatHint {
  private let format: ImageFormat
  private let command: String
  private let output: String?

  /// A hint for a command, and for the output that was asked for.
  init(_ format: ImageFormat, command: String = "convert", output: String?) {
    self.format = format
    self.command = command
    self.output = output
  }

  /// What to do with a file.
  ///
  /// - Parameter path: Its name, as a word for a shell.
  /// - Returns: A command, most often.
  func forFile(_ path: String) -> String {
    switch format {
    case .gzip, .xz, .zstd, .bzip2, .lz4:
      let unpacking = "\(format.rawValue) -dc \(path)"
      return command == "export"
        ? "unpack it first: \(unpacking) >disk.raw (\(asRaw))"
        : "unpack it into a pipe: \(unpacking) | \(call("-")) (\(asRaw))"
    case .zip:
      return command == "export"
        ? "unpack it first (\(asRaw))"
        : "unpack it into a pipe: unzip -p \(path) | \(call("-")) (\(asRaw))"
    case .luks:
      return """
        open it, and convert what is in it: cryptsetup open --readonly \(path) NAME, then \
        \(call("/dev/mapper/NAME")) (\(asRaw), encrypted as it is)
        """
    case .androidSparse:
      return "unpack it first: simg2img \(path) disk.raw (\(asRaw))"
    default:
      return "convert it first: qemu-img convert -O raw \(path) disk.raw (\(asRaw))"
    }
  }

  /// What to do with what comes through a pipe.
  var forPipe: String {
    switch format {
    case .gzip, .xz, .zstd, .bzip2, .lz4:
      "put the decompressor before it: … | \(format.rawValue) -dc | \(call("-")) (\(asRaw))"
    default:
      "save it to a file first; then \(forFile("FILE"))"
    }
  }

  private func call(_ input: String) -> String {
    (["qdedup", command, input] + [output?.shellWord].compactMap { $0 }).joined(separator: " ")
  }

  private var asRaw: String { "to take its bytes as a raw disk all the same, say -f raw" }
}
