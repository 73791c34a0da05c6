import DiskIO
import DiskImage
import FoundationEssentials
import Glibc
import QDedupKit
import SystemPackage

/// The file that `--report-file` names. A place that takes no file shows before the conversion; the
/// report appears after it, whole, and until then what is there stays. A pipe, a terminal and an
/// open descriptor (`/dev/stdout`, `/dev/fd/N`, or any name of the file that standard output goes
/// to) are written to as they are.
///
/// What is replaced without `--force` is empty or a report of before. An image is never replaced,
/// and neither is what a running QEMU may write to: both are looked at again right before the
/// replacement, for the conversion may take hours.
final class ReportFile {
  private let path: FilePath
  private let replacesAnything: Bool
  private var target: Target

  private enum Target {
    case file(AtomicFile, replacing: ReplacedFile?)
    case stream(FileDescriptor)
  }

  /// Prepares the place.
  ///
  /// - Parameters:
  ///   - path: The name as the user wrote it; where it is a link, what that leads to is replaced.
  ///   - replacesAnything: Whether a file that is no report may be replaced too.
  /// - Throws: `ReportFailure`.
  init(_ path: FilePath, replacesAnything: Bool) throws {
    self.path = path
    self.replacesAnything = replacesAnything
    do {
      target = try Self.target(path, replacesAnything)
    } catch {
      throw Self.failure(path, error)
    }
  }

  private static func target(_ path: FilePath, _ replacesAnything: Bool) throws -> Target {
    if let number = DescriptorName.number(path) { return .stream(try descriptor(number)) }
    guard let existing = try FileIdentity(of: path) else {
      if path.isSymbolicLink {
        throw refusal(path, "is a symbolic link that leads nowhere; remove it")
      }
      return .file(try AtomicFile(replacing: path), replacing: nil)
    }
    if existing.isBlockDevice { throw refusal(path, "is a block device") }
    guard existing.isRegular else { return .stream(try stream(path)) }
    let held = try hold(path, replacesAnything)
    return .file(try AtomicFile(replacing: path.followingLinks), replacing: held)
  }

  /// Takes over a descriptor that the process was started with.
  private static func descriptor(_ number: CInt) throws -> FileDescriptor {
    let flags = fcntl(number, F_GETFL)
    guard flags >= 0, flags & O_ACCMODE != O_RDONLY else { throw Errno.badFileDescriptor }
    let other = fcntl(number, F_DUPFD_CLOEXEC, 0)
    guard other >= 0 else { throw Errno(rawValue: errno) }
    return FileDescriptor(rawValue: other)
  }

  /// Opens a pipe or a terminal. A named pipe is waited for until somebody reads it, or a signal
  /// comes.
  private static func stream(_ path: FilePath) throws -> FileDescriptor {
    while true {
      do {
        let opened = try FileDescriptor.open(
          path, .writeOnly, options: [.closeOnExec, .nonBlocking])
        _ = fcntl(opened.rawValue, F_SETFL, fcntl(opened.rawValue, F_GETFL) & ~O_NONBLOCK)
        return opened
      } catch Errno.noSuchAddressOrDevice where !Interruption.progress.isCancelled {
        usleep(10_000)
      }
    }
  }

  /// Writes the report.
  ///
  /// - Throws: `ReportFailure`.
  func write(_ report: ConversionReport) throws {
    do {
      let text = try JSONText.pretty(report) + "\n"
      switch target {
      case .file(let file, let held):
        try file.file.write(Array(text.utf8), at: 0)
        try publish(file, held)
      case .stream(let descriptor):
        try Terminal.write(text, to: descriptor)
        try descriptor.close()
      }
    } catch {
      throw Self.failure(path, error)
    }
  }

  /// Gives the report its name. Another run may have written its own report in between: it is
  /// replaced as one that was there from the beginning.
  private func publish(_ file: AtomicFile, _ held: ReplacedFile?) throws {
    var held = held
    for _ in 0..<3 {
      let isTaken = try FileIdentity(of: file.path) != nil
      if isTaken { held = try Self.hold(file.path, replacesAnything) }
      do {
        return try withExtendedLifetime(held) {
          try file.publish(replacing: isTaken, sync: false)
        }
      } catch let error as IOError where error.reason == .fileExists && !isTaken {
        continue
      }
    }
    throw IOError(.publish, file.path, reason: .fileExists)
  }

  /// Holds a file that may be replaced.
  ///
  /// - Throws: `ReportFailure` if it may not.
  private static func hold(_ path: FilePath, _ replacesAnything: Bool) throws -> ReplacedFile {
    guard try FileIdentity(of: path)?.isRegular ?? false else {
      throw refusal(path, "is no regular file any more; remove it")
    }
    let held: ReplacedFile
    do throws(ImageError) {
      held = try ReplacedFile(path)
    } catch {
      if case .inUse = error {
        throw refusal(path, "is in use by a running QEMU; shut that guest down")
      }
      throw error
    }
    if let format = try format(path) {
      throw refusal(path, "is \(format.name); remove it if nobody needs it")
    }
    guard try replacesAnything || isReport(path) else {
      throw refusal(path, "exists already and is no report; replace it with --force")
    }
    return held
  }

  /// The format of an image, or of another file that is known by its first bytes.
  private static func format(_ path: FilePath) throws -> ImageFormat? {
    let file = try OwnedFile(readingImage: path)
    return try file.detectedFormat()
  }

  /// Whether a regular file is empty or a report of before, which nobody misses.
  private static func isReport(_ path: FilePath) throws -> Bool {
    let size = try OwnedFile(readingFrom: path).size()
    return try size == 0 || report(in: path) != nil
  }

  /// The JSON of a report of before.
  ///
  /// - Parameter path: Its file.
  /// - Returns: All of it; nil if the file holds something else.
  /// - Throws: `IOError`.
  static func report(in path: FilePath) throws -> Data? {
    let file = try OwnedFile(readingFrom: path)
    let size = try file.size()
    guard size > 0, size <= largestReport else { return nil }
    let buffer = try AlignedBuffer(byteCount: Int(size), purpose: "a report of before")
    let count = try file.read(into: buffer.bytes, at: 0)
    let json = Data(buffer.bytes[..<count])
    return (try? JSONDecoder().decode(ReportShape.self, from: json)) == nil ? nil : json
  }

  /// More bytes than a report has, whatever the names in it.
  private static let largestReport: UInt64 = 1 << 20

  private static func refusal(_ path: FilePath, _ reason: String) -> ReportFailure {
    ReportFailure(description: "\(path) \(reason), or choose another name for the report")
  }

  private static func failure(_ path: FilePath, _ error: any Error) -> ReportFailure {
    switch error {
    case let failure as ReportFailure: failure
    case let error as IOError:
      ReportFailure(
        description: "cannot write the report to \(path): \(ErrorText(CreationFailure(error)).text)"
      )
    default: ReportFailure(description: "cannot write the report to \(path): \(error)")
    }
  }
}

/// What a report of before is recognised by: it is one JSON object, and these keys are its own, not
/// those of something inside it.
private struct ReportShape: Decodable {
  private struct Tool: Decodable {
    let name: String
  }

  private struct Part: Decodable {
    init(from decoder: any Decoder) throws {
      _ = try decoder.container(keyedBy: Key.self)
    }
  }

  private enum Key: String, CodingKey {
    case version = "report_version"
    case tool, command, input, output, clusters, bytes
  }

  init(from decoder: any Decoder) throws {
    let keys = try decoder.container(keyedBy: Key.self)
    _ = try keys.decode(Int.self, forKey: .version)
    _ = try keys.decode(String.self, forKey: .command)
    for part in [Key.input, .output, .clusters, .bytes] {
      _ = try keys.decode(Part.self, forKey: part)
    }
    guard try keys.decode(Tool.self, forKey: .tool).name == "qdedup" else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "a report of another program"))
    }
  }
}

/// A name of an open descriptor of this process.
enum DescriptorName {
  /// The number of the descriptor that a name leads to; nil if it leads to none.
  ///
  /// Such names are `/dev/stdout`, `/dev/fd/N`, `/proc/self/fd/N`, links to them, and every name of
  /// a regular file that standard output or standard error goes to.
  static func number(_ path: FilePath) -> CInt? {
    var name = path
    for _ in 0..<mostLinks {
      if let number = literal(name) { return number }
      let folder = AtomicFile.directory(of: name).followingLinks
      guard let last = name.lastComponent, name.isSymbolicLink else { break }
      let full = folder.appending(last)
      if let number = literal(full) { return number }
      guard let target = full.linkTarget else { break }
      name = folder.pushing(target).lexicallyNormalized()
    }
    return redirected(path)
  }

  /// The most links that the system follows in one name.
  private static let mostLinks = 40

  private static let standard: [String: CInt] = [
    "/dev/stdin": STDIN_FILENO, "/dev/stdout": STDOUT_FILENO, "/dev/stderr": STDERR_FILENO,
  ]

  /// The number that is written in a name.
  private static func literal(_ name: FilePath) -> CInt? {
    let name = name.lexicallyNormalized().string
    if let number = standard[name] { return number }
    let process = getpid()
    let folders = [
      "/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/", "/proc/\(process)/fd/",
      "/proc/\(process)/task/\(process)/fd/",
    ]
    guard let folder = folders.first(where: { name.hasPrefix($0) }) else { return nil }
    return CInt(name.dropFirst(folder.count))
  }

  /// Standard output or standard error, if it goes to the regular file of this name.
  private static func redirected(_ path: FilePath) -> CInt? {
    guard let file = try? FileIdentity(of: path), file.isRegular else { return nil }
    return [STDOUT_FILENO, STDERR_FILENO].first { number in
      guard fcntl(number, F_GETFL) & O_ACCMODE != O_RDONLY else { return false }
      return FileIdentity(ofDescriptor: number) == file
    }
  }
}
