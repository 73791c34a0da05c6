public import DiskImage
public import SystemPackage

/// Why an export did not come to its end, and what it left.
public struct ExportError: Error, Sendable {
  /// What is left of a failed export.
  public enum Leftover: Equatable, Sendable {
    /// Everything is as it was before.
    case nothing
    /// A block device that was written to.
    case partOfDevice(FilePath)
    /// What has gone to standard output.
    case partOfStream
  }

  /// What went wrong.
  public let cause: ConversionError
  /// What is left.
  public let leftover: Leftover

  /// Whether the export was asked to stop, and nothing else went wrong.
  public var isInterruption: Bool { cause.isInterruption }
}

extension ExportError: RemediableError {
  /// What is wrong, where, and what is left.
  public var description: String {
    switch (leftover, cause) {
    case (.nothing, _): cause.description
    case (.partOfDevice(let path), .verificationFailed(let offset)):
      """
      verification failed: \(path) differs from the image at guest byte \(offset.bytes); is the \
      device at fault, or was the image changed in the meantime? If not, please report this
      """
    case (.partOfDevice(let path), .image(.changed)):
      "\(cause); \(path) holds what was there at the time"
    case (.partOfDevice(let path), .interrupted):
      "interrupted; \(path) holds only a part of the disk"
    case (.partOfDevice(let path), _):
      "\(cause); \(path) holds only a part of the disk"
    case (.partOfStream, .image(.changed)):
      "\(cause); what was there at the time has gone to standard output"
    case (.partOfStream, .interrupted):
      "interrupted; only a part of the disk has gone to standard output"
    case (.partOfStream, _):
      "\(cause); only a part of the disk has gone to standard output"
    }
  }

  /// What can be done about it.
  public var remedies: [Remedy] { cause.remedies }
}
