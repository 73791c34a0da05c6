internal import DiskImage
internal import SystemPackage

/// Which versions a removal is for.
public enum VersionSelection: Hashable, Sendable {
  /// Those with these names or ids.
  case named([String])
  /// All but the newest ones, so many; the one that the active disk is a copy of always stays.
  case allButLast(Int)
}

extension VersionSelection {
  /// Picks versions.
  ///
  /// - Parameters:
  ///   - versions: All versions of a file, oldest first.
  ///   - active: The index of the one that the active disk is a copy of.
  ///   - path: The file, for messages.
  /// - Returns: The indices of those to remove, rising; empty if there is nothing to remove.
  /// - Throws: `VersionError` if one is not there, is the active one, or none would be left.
  func indices(
    in versions: [Version], active: Int?, of path: FilePath
  ) throws(VersionError) -> [Int] {
    switch self {
    case .allButLast(let count):
      return versions.indices.dropLast(count).filter { $0 != active }
    case .named(let names):
      var found = Set<Int>()
      for name in names { found.insert(try versions.index(of: name, in: path)) }
      if let active, found.contains(active) {
        throw .removesActive(path, versions[active].name)
      }
      guard found.count < versions.count else { throw .removesAll(path) }
      return found.sorted()
    }
  }
}

extension [Version] {
  /// The index of the version that is found by this id, else by this name, as in QEMU.
  ///
  /// - Throws: `VersionError.unknown`.
  func index(of name: String, in path: FilePath) throws(VersionError) -> Int {
    if let index = firstIndex(where: { $0.id == name }) ?? firstIndex(where: { $0.name == name }) {
      return index
    }
    throw .unknown(path, name, known: map(\.name))
  }
}
