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
      return unpack("\(format.rawValue) -dc \(path)")
    case .zip:
      return unpack("unzip -p \(path)")
    case .luks:
      return """
        open it, and convert what is in it: cryptsetup open --readonly \(path) NAME, then \
        \(call("/dev/mapper/NAME")) (\(asRaw), encrypted as it is)
        """
    case .androidSparse:
      return "unpack it first: simg2img \(path) disk.raw (\(asRaw))"
    default:
      guard let line = NBDLine(format, path, into: pipe) else {
        return "convert it first: qemu-img convert -O raw \(path) disk.raw (\(asRaw))"
      }
      return "read it through QEMU: \(line.text) (\(asRaw))"
    }
  }

  /// What to do with a file that a program unpacks to its standard output.
  private func unpack(_ unpacking: String) -> String {
    guard let pipe else { return "unpack it first: \(unpacking) >disk.raw (\(asRaw))" }
    return "unpack it into a pipe: \(unpacking) | \(pipe) (\(asRaw))"
  }

  /// The command with standard input as its input; nil if it takes none.
  private var pipe: String? {
    switch command {
    case "convert": call("-")
    case "add": "qdedup add --name NAME FILE.qcow2 -"
    default: nil
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

/// A line for a shell that reads an image through a server of network block devices, which is started
/// for it and ends with it, and needs no temporary file.
struct NBDLine {
  /// The line.
  let text: String

  /// A line for a file of a format that QEMU reads; nil if QEMU does not, or nothing takes a pipe.
  ///
  /// - Parameters:
  ///   - format: The file's format.
  ///   - path: The file, as a word for a shell.
  ///   - command: What reads the disk from standard input.
  init?(_ format: ImageFormat, _ path: String, into command: String?) {
    guard let command, let driver = Self.driver(format) else { return nil }
    text = Self.line("qemu-nbd -r -f \(driver) \(path)", command)
  }

  /// A line for an image behind a URL, whose name says of what format it is; nil for other schemes than
  /// those of the web and ssh.
  ///
  /// - Parameters:
  ///   - url: The URL.
  ///   - command: What reads the disk from standard input.
  init?(url: String, into command: String) {
    let scheme = url.prefix { $0 != ":" }.lowercased()
    let ending = url.split(separator: ".").last.map { $0.lowercased() } ?? ""
    let format =
      ["qcow2": "qcow2", "vhd": "vpc"][ending]
      ?? ImageFormat(rawValue: ending)
      .flatMap(Self.driver)
    if let format, ["http", "https", "ssh"].contains(scheme) {
      text = Self.line("qemu-nbd -r -f \(format) \(url.shellWord)", command)
    } else if scheme == "http" || scheme == "https" {
      text = Self.line("nbdkit curl \(url.shellWord)", command)
    } else if scheme == "ssh", let place = SSHPlace(url) {
      text = Self.line("nbdkit ssh \(place.parameters)", command)
    } else {
      return nil
    }
  }

  private static func line(_ server: String, _ command: String) -> String {
    "nbdcopy -- [ \(server) ] - | \(command)"
  }

  /// What QEMU calls a format of disks; nil for what is none.
  private static func driver(_ format: ImageFormat) -> String? {
    switch format {
    case .qcow1: "qcow"
    case .vhd: "vpc"
    case .vmdk, .vhdx, .vdi, .qed, .parallels: format.rawValue
    case .qcow2, .luks, .androidSparse, .gzip, .xz, .zstd, .bzip2, .lz4, .zip: nil
    }
  }
}

/// The parts of `ssh://user@host:port/path` as nbdkit takes them.
private struct SSHPlace {
  let parameters: String

  init?(_ url: String) {
    let rest = url.dropFirst("ssh://".count)
    guard let slash = rest.firstIndex(of: "/"), slash > rest.startIndex else { return nil }
    var host = rest[..<slash]
    var words: [String] = []
    if let at = host.lastIndex(of: "@") {
      words.append("user=" + host[..<at])
      host = host[host.index(after: at)...]
    }
    if let colon = host.lastIndex(of: ":") {
      words.append("port=" + host[host.index(after: colon)...])
      host = host[..<colon]
    }
    words = ["host=" + host] + words + ["path=" + rest[slash...]]
    parameters = words.map(\.shellWord).joined(separator: " ")
  }
}
