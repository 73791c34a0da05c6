public import DiskIO
internal import SystemPackage

/// Why a folder takes no new file.
public struct CreationFailure: Equatable, Sendable {
  private let error: IOError
  /// Whether there is such a folder. Some that are there say no such file, as `/proc` does.
  private let hasFolder: Bool

  /// Looks at the folder in which `error` happened.
  public init(_ error: IOError) {
    self.error = error
    let folder = AtomicFile.directory(of: error.path)
    hasFolder = (try? FileIdentity(of: folder)).flatMap { $0 } != nil
  }
}

extension CreationFailure: CustomStringConvertible {
  /// What cannot be made, why, and what to do about it.
  public var description: String {
    guard error.operation == .create, let advice else { return error.description }
    return "\(error); \(advice)"
  }

  private var advice: String? {
    let folder = AtomicFile.directory(of: error.path)
    switch error.reason {
    case .noSuchFileOrDirectory where !hasFolder:
      return "there is no folder \(folder): make it (mkdir -p), or name another one"
    case .permissionDenied, .readOnlyFileSystem:
      return "the folder \(folder) cannot be written to: allow it, or name another one"
    case .noSuchFileOrDirectory, .notSupported, .notPermitted:
      return "nothing can be made in the folder \(folder): name another one"
    default:
      return nil
    }
  }
}
