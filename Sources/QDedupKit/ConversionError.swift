public import DedupStore
public import DiskIO
public import DiskImage
public import QCOW2
public import SystemPackage

/// Why a conversion did not come to its end. The output's name is then as it was before.
public enum ConversionError: Error, Sendable {
  /// A system call outside the image and the store failed.
  case io(IOError)
  /// The input cannot be read.
  case image(ImageError)
  /// The input must be unpacked or converted first.
  case foreignInput(ForeignInput)
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
  /// A running QEMU writes to the file that would be replaced.
  case outputInUse(FilePath)
  /// The output is the input, or a file that the input consists of.
  case outputIsInput(FilePath, ImagePart.Role)
  /// The report is to take the place of the input, or of a file that the input consists of.
  case reportIsInput(FilePath, ImagePart.Role)
  /// The output's name is a symbolic link to nothing.
  case outputDangling(FilePath)
  /// A pipe cannot be read again to verify the output.
  case cannotVerifyPipe
  /// What was written to the output at this offset does not restore to a cluster.
  case readBackDamaged(FilePath, HostOffset)
  /// The output differs from the input at this guest offset.
  case verificationFailed(GuestOffset)
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

extension ConversionError: CustomStringConvertible {
  /// What is wrong, where, and what to do about it.
  public var description: String {
    switch self {
    case .io(let error): error.description
    case .image(let error): error.description
    case .foreignInput(let input): input.description
    case .cannotCreate(let failure): failure.description
    case .noThread(let error):
      "\(error); use fewer --threads, or allow more threads or memory (ulimit -a shows the limits)"
    case .writer(let error): error.description
    case .compression(let error): error.description
    case .store(let error): error.description
    case .inputTooLarge(let input, let error): "cannot convert \(input): \(error)"
    case .outputExists(let path):
      "\(path) exists already; replace it with --force, or choose another name for the output"
    case .outputNotRegular(let path):
      "\(path) is not a regular file; the output needs the name of a file to be made"
    case .outputInUse(let path):
      "\(path) is in use by a running QEMU; shut that guest down, or choose another name for the output"
    case .outputIsInput(let path, let role):
      "\(path) is \(role.ofInput); choose another name for the output"
    case .reportIsInput(let path, let role):
      "\(path) is \(role.ofInput); choose another name for the report"
    case .outputDangling(let path):
      "\(path) is a symbolic link that leads nowhere; remove it, or choose another name for the output"
    case .cannotVerifyPipe:
      """
      a pipe cannot be read a second time, so its copy cannot be verified; \
      leave out --verify, or save the input to a file first
      """
    case .readBackDamaged(let path, let offset):
      """
      what was written to \(path) at byte \(offset.bytes) is not what comes back; no output was \
      kept. Is the disk at fault? If not, please report this
      """
    case .verificationFailed(let offset):
      """
      verification failed: the output differs from the input at guest byte \(offset.bytes); \
      no output was kept. Was the input changed meanwhile? If not, please report this
      """
    case .interrupted: "interrupted; no output was kept"
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
