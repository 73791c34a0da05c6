public import DiskIO
public import SystemPackage

/// Why an image cannot be read.
///
/// The description says what is wrong with which file; `remedies` says what can be done.
public enum ImageError: Error, Equatable, Sendable, IOErrorWrapping {
  /// A system call failed.
  case io(IOError)
  /// The name leads to something that holds no image, such as a directory.
  case notAnImage(FilePath, FileKind)
  /// The image is in a format that must be converted first.
  case foreignFormat(FilePath, ImageFormat)
  /// The file is not in the format that can be checked; nil for raw.
  case notCheckable(FilePath, ImageFormat?)
  /// The file has no byte, or the pipe ended without one.
  case empty(FilePath, isPipe: Bool)
  /// A running QEMU may write to the image.
  case inUse(FilePath)
  /// The file system does not tell who uses the image.
  case cannotLock(IOError)
  /// The file has content, but a size of 0, so that nobody can tell where it ends.
  case unknownSize(FilePath)
  /// The file ended while it was being read, `offset` bytes from its beginning.
  case shrank(FilePath, offset: UInt64)
  /// The file was changed while it was being read; `change` says how.
  case changed(FilePath, change: String)
  /// The image breaks the rules of its format.
  case malformed(FilePath, reason: String)
  /// The image uses a feature that is not supported, or has not what is asked for.
  case unsupported(FilePath, reason: String, remedies: [Remedy] = [])
  /// The image names another file (as its backing file, say), and that is not allowed.
  case externalFile(FilePath, role: String, name: String)
  /// Another file that the image names cannot be read.
  indirect case inPart(FilePath, role: String, ImageError)
  /// The image is larger than any disk can be.
  case tooLarge(FilePath, bytes: UInt64)
}

extension ImageError: RemediableError {
  /// What is wrong with which file.
  public var description: String {
    switch self {
    case .io(let error), .cannotLock(let error):
      error.description
    case .notAnImage(let path, .pipe):
      "\(path) is a pipe, but it must be read in many places"
    case .notAnImage(let path, let kind):
      """
      \(path) is \(kind == .directory ? "a directory" : "a special file"); \
      name a disk image: a regular file or a block device
      """
    case .foreignFormat(let path, let format):
      "\(path) is \(format.name), which is not read directly"
    case .notCheckable(let path, let format):
      "\(path) is \(format?.name ?? "a raw image"), and only qcow2 can be checked"
    case .empty(let path, isPipe: true):
      "\(path) ended without a byte; did the program before the pipe fail?"
    case .empty(let path, isPipe: false):
      "\(path) is empty; did the copy or download fail that made it?"
    case .inUse(let path):
      "\(path) is in use: a running QEMU holds it and may change it while it is read"
    case .shrank(let path, let offset):
      "\(path) became shorter while it was being read: it now ends at byte \(offset)"
    case .changed(let path, let change):
      "\(path) was changed while it was being read: \(change)"
    case .unknownSize(let path):
      "\(path) has content but a size of 0 bytes, as files of the system in /proc have"
    case .externalFile(let path, let role, let name):
      """
      \(path) names the \(role) \(name), and a file that an image names is not opened unless you \
      allow it
      """
    case .inPart(let path, let role, let error):
      "\(path): its \(role): \(error)"
    case .malformed(let path, let reason), .unsupported(let path, let reason, _):
      "\(path): \(reason)"
    case .tooLarge(let path, let bytes):
      """
      \(path) has \(bytes) bytes (\(bytes.inByteUnits)); a disk has at most \
      \(UInt64(Int64.max) & ~511) (8 EiB)
      """
    }
  }

  /// What can be done about it.
  public var remedies: [Remedy] {
    switch self {
    case .notAnImage(_, .pipe): [.saveToFile]
    case .foreignFormat(let path, let format): [.convertFirst(path, format)]
    case .unknownSize: [.saveToFile]
    case .inUse: [.stopGuest, .shareWithGuest]
    case .cannotLock: [.readWithoutLocks]
    case .shrank: [.keepUnchanged]
    case .changed: [.keepUnchanged, .allowChanges]
    case .externalFile: [.allowExternalFiles]
    case .unsupported(_, _, let remedies): remedies
    case .inPart(_, _, let error): error.remedies
    default: []
    }
  }
}

extension OwnedFile {
  /// Says that the file has ended too early.
  ///
  /// - Parameter end: Where there was nothing more to be read: at the file's end, or behind it.
  /// - Returns: The error, with the place where the file ends now.
  public borrowing func shrank(readUpTo end: UInt64) -> ImageError {
    .shrank(path, offset: min(end, (try? size()) ?? end))
  }
}
