public import DedupStore
public import DiskImage
public import DiskIO
public import QCOW2
public import SystemPackage

/// Why a conversion did not come to its end. The output's name is then as it was before.
///
/// The description says what is wrong and where; `remedies` says what can be done.
public enum ConversionError: Error, Sendable, IOErrorWrapping {
  /// A system call outside the image and the store failed.
  case io(IOError)
  /// The input cannot be read.
  case image(ImageError)
  /// The output's folder takes no file.
  case cannotCreate(CreationFailure)
  /// The system starts no further thread.
  case noThread(IOError)
  /// The output cannot be written.
  case writer(ImageWriterError)
  /// A cluster cannot be compressed or restored.
  case compression(CompressionError)
  /// The hash store failed.
  case store(StoreError)
  /// The input is larger than QEMU allows with the cluster size of the output.
  case inputTooLarge(String, ImageWriterError)
  /// Something has the output's name already.
  case outputExists(FilePath)
  /// The output's name leads to something other than a regular file.
  case outputNotRegular(FilePath)
  /// The output's name is that of a block device, and a new image is a file.
  case outputIsDevice(FilePath)
  /// The output is a block device, and nothing said that its content may be lost.
  case deviceNotAllowed(FilePath)
  /// The system uses the block device: it is mounted, say.
  case deviceBusy(FilePath)
  /// The disk is larger than the block device that is to take it.
  case deviceTooSmall(FilePath, byteCount: UInt64, needed: UInt64)
  /// A running QEMU writes to the file that would be replaced.
  case outputInUse(FilePath)
  /// The output is the input, or a file that the input consists of.
  case outputIsInput(FilePath, ImagePart.Role)
  /// The report is to take the place of the input, or of a file that the input consists of.
  case reportIsInput(FilePath, ImagePart.Role)
  /// The report is to take the place of the output.
  case reportIsOutput(FilePath)
  /// The output's name is a symbolic link to nothing.
  case outputDangling(FilePath)
  /// A pipe cannot be read again to verify the output.
  case cannotVerifyPipe
  /// A pipe cannot be read again to compress a sample of it.
  case cannotEstimatePipe(String)
  /// What was written to the output at this offset does not restore to a cluster.
  case readBackDamaged(FilePath, HostOffset)
  /// The check of the complete output found this.
  case outputDamaged(FilePath, String)
  /// The output differs from the input at this guest offset.
  case verificationFailed(GuestOffset)
  /// Something cannot be done to the versions of a file.
  case version(VersionError)
  /// The conversion was asked to stop.
  case interrupted
}

extension ConversionError {
  /// Whether the conversion was asked to stop, and nothing else went wrong.
  public var isInterruption: Bool {
    if case .interrupted = self { true } else { false }
  }

  /// Whether an image is in a format for which there is no check, and nothing else is wrong.
  public var isUncheckableFormat: Bool {
    if case .image(.notCheckable) = self { true } else { false }
  }
}

extension ConversionError: RemediableError {
  /// What is wrong, and where.
  public var description: String {
    switch self {
    case .io(let error), .noThread(let error): error.description
    case .image(let error): error.description
    case .cannotCreate(let failure): failure.description
    case .writer(let error): error.description
    case .compression(let error): error.description
    case .store(let error): error.description
    case .version(let error): error.description
    case .inputTooLarge(let input, let error): "cannot convert \(input): \(error)"
    case .outputExists(let path): "\(path) exists already"
    case .outputNotRegular(let path):
      "\(path) is not a regular file; the output needs the name of a file to be made"
    case .outputIsDevice(let path):
      "\(path) is a block device, and the output is a new file"
    case .deviceNotAllowed(let path):
      "\(path) is a block device, and everything on it would be lost"
    case .deviceBusy(let path):
      """
      \(path) is in use by the system: it, or a part of it, is mounted, or belongs to another device
      """
    case .deviceTooSmall(let path, let byteCount, let needed):
      """
      \(path) has \(byteCount) bytes (\(byteCount.inByteUnits)), and the disk needs \(needed) \
      (\(needed.inByteUnits))
      """
    case .outputInUse(let path): "\(path) is in use by a running QEMU"
    case .outputIsInput(let path, let role), .reportIsInput(let path, let role):
      "\(path) is \(role.ofInput)"
    case .reportIsOutput(let path): "\(path) is the output"
    case .outputDangling(let path): "\(path) is a symbolic link that leads nowhere"
    case .cannotVerifyPipe:
      "a pipe cannot be read a second time, so its copy cannot be verified"
    case .cannotEstimatePipe(let name):
      "\(name) is a pipe, and an estimate reads at many places"
    case .readBackDamaged(let path, let offset):
      """
      what was written to \(path) at byte \(offset.bytes) is not what comes back; no output was \
      kept. Is the disk at fault? If not, please report this
      """
    case .outputDamaged(let path, let problem):
      """
      verification failed: what was written to \(path) is damaged (\(problem)); no output was \
      kept. Is the disk at fault? If not, please report this
      """
    case .verificationFailed(let offset):
      """
      verification failed: the output differs from the input at guest byte \(offset.bytes); \
      no output was kept. Was the input changed in the meantime? If not, please report this
      """
    case .interrupted: "interrupted; no output was kept"
    }
  }

  /// What can be done about it.
  public var remedies: [Remedy] {
    switch self {
    case .image(let error): error.remedies
    case .cannotCreate(let failure): failure.remedies
    case .writer(let error), .inputTooLarge(_, let error): error.remedies
    case .noThread: [.useFewerThreads]
    case .outputExists: [.replace, .chooseAnotherName(.output)]
    case .outputIsDevice(let path): [.exportToDevice(path)]
    case .deviceNotAllowed: [.overwrite]
    case .deviceBusy(let path): [.releaseDevice(path)]
    case .deviceTooSmall: [.chooseLargerDevice]
    case .outputInUse: [.stopGuest, .chooseAnotherName(.output)]
    case .outputIsInput: [.chooseAnotherName(.output)]
    case .reportIsInput, .reportIsOutput: [.chooseAnotherName(.report)]
    case .outputDangling: [.remove(.output), .chooseAnotherName(.output)]
    case .version(let error): error.remedies
    case .cannotVerifyPipe: [.leaveOut(.verification), .saveToFile]
    case .cannotEstimatePipe: [.saveToFile]
    case .io, .compression, .store, .outputNotRegular, .readBackDamaged, .outputDamaged,
      .verificationFailed,
      .interrupted:
      []
    }
  }
}

extension ImagePart.Role {
  /// What the file is, for messages.
  fileprivate var ofInput: String {
    self == .image ? "the input itself" : "a \(rawValue) of the input"
  }
}

/// Runs `body` and turns the error type of a lower module into a `ConversionError`.
@inline(__always)
func converting<Result: ~Copyable, Failure: Error>(
  _ wrap: (Failure) -> ConversionError, _ body: () throws(Failure) -> Result
) throws(ConversionError) -> Result {
  do { return try body() } catch { throw wrap(error) }
}

/// Why a folder takes no new file.
public struct CreationFailure: Equatable, Sendable {
  private let error: IOError
  /// Whether there is such a folder. Some that are there say no such file, as `/proc` does.
  private let hasFolder: Bool

  /// Looks at the folder in which `error` happened.
  public init(_ error: IOError) {
    self.error = error
    let folder = error.path.map { AtomicFile.directory(of: $0) }
    hasFolder = folder.flatMap { try? FileIdentity(of: $0) } != nil
  }
}

extension CreationFailure: RemediableError {
  /// What cannot be made, and why.
  public var description: String { error.description }

  /// What can be done about the folder.
  public var remedies: [Remedy] {
    guard error.operation == .create, let path = error.path else { return [] }
    let folder = AtomicFile.directory(of: path)
    switch error.reason {
    case .noSuchFileOrDirectory where !hasFolder: return [.makeFolder(folder)]
    case .permissionDenied, .readOnlyFileSystem: return [.allowWriting(folder)]
    case .noSuchFileOrDirectory, .notSupported, .notPermitted: return [.chooseAnotherFolder]
    default: return []
    }
  }
}
