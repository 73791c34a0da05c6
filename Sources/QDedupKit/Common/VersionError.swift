internal import DiskImage
public import SystemPackage

/// Why something cannot be done to the versions of a file.
public enum VersionError: Error, Equatable, Sendable {
  /// A name cannot be that of a version.
  case invalidName(String, reason: String)
  /// A version, or another snapshot, has the name or id already.
  case nameTaken(FilePath, String)
  /// No version has the name or id. The versions that there are come with it.
  case unknown(FilePath, String, known: [String])
  /// The file has so many versions that no further one fits.
  case tooMany(FilePath, limit: Int)
  /// The active disk is no copy of a version: a guest has written to it, or nothing has named it yet.
  case activeUnnamed(FilePath, hasVersions: Bool)
  /// The active disk is a copy of a version, so it cannot get another name or be dropped.
  case activeIsVersion(FilePath, String)
  /// The version that is to be removed is the one that the active disk is a copy of.
  case removesActive(FilePath, String)
  /// At least one version must remain.
  case removesAll(FilePath)
  /// A running QEMU has the file open.
  case inUse(FilePath)
  /// A snapshot holds the state of a machine, which a version does not.
  case hasMachineState(FilePath, String)
  /// The version or its file cannot be what is asked for.
  case unsupported(FilePath, reason: String)
}

extension VersionError: CustomStringConvertible {
  /// What is wrong, without advice on options.
  public var description: String {
    switch self {
    case .invalidName(let name, let reason):
      "\(name.quoted) cannot be the name of a version: \(reason)"
    case .nameTaken(let path, let name):
      "\(path) has a version or snapshot \(name.quoted) already"
    case .unknown(let path, let name, let known):
      "\(path) has no version \(name.quoted); \(Self.list(known))"
    case .tooMany(let path, let limit):
      "\(path) has \(limit) snapshots, the most that QEMU takes; remove one first"
    case .activeUnnamed(let path, true):
      "the active disk of \(path) was changed since it was a copy of a version"
    case .activeUnnamed(let path, false):
      "\(path) has no versions yet, and its disk has no name as one"
    case .activeIsVersion(let path, let name):
      "the active disk of \(path) is an unchanged copy of the version \(name.quoted)"
    case .removesActive(let path, let name):
      "the active disk of \(path) is a copy of the version \(name.quoted)"
    case .removesAll(let path):
      "no version of \(path) would be left; a file of versions has at least one"
    case .inUse(let path):
      "\(path) is in use by a running QEMU"
    case .hasMachineState(let path, let name):
      "the snapshot \(name.quoted) of \(path) holds the state of a machine; only QEMU can use it"
    case .unsupported(let path, let reason):
      "\(path) cannot hold versions: \(reason)"
    }
  }

  /// What can be done about it.
  var remedies: [Remedy] {
    switch self {
    case .activeUnnamed: [.decideOnActiveDisk]
    case .invalidName, .nameTaken: [.chooseAnotherVersionName]
    case .removesActive: [.activateAnotherVersion]
    case .inUse: [.stopGuest]
    case .unknown, .tooMany, .activeIsVersion, .removesAll, .hasMachineState, .unsupported: []
    }
  }

  private static func list(_ names: [String]) -> String {
    if names.isEmpty { return "it has none at all" }
    let shown = names.prefix(20).map(\.quoted).joined(separator: ", ")
    return "it has \(shown)" + (names.count > 20 ? " and \(names.count - 20) more" : "")
  }
}
