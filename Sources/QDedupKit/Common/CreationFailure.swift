public import DiskIO
public import DiskImage
internal import SystemPackage

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
