internal import DiskImage
internal import QCOW2

/// Which versions a removal is for.
public enum VersionSelection: Hashable, Sendable {
  /// Those with these names or ids.
  case named([String])
  /// All but the newest ones, so many; the one that the active disk is a copy of always stays.
  case allButLast(Int)
}

extension VersionSelection {
  /// Picks versions of a file.
  ///
  /// - Returns: The indices of those to remove, rising; empty if there is nothing to remove.
  /// - Throws: `VersionError` if one is not there, is the active one, or none would be left.
  func indices(in opened: VersionsFile) throws(VersionError) -> [Int] {
    let (versions, active) = (opened.versions, opened.active)
    switch self {
    case .allButLast(let count):
      return versions.indices.dropLast(count).filter { $0 != active }
    case .named(let names):
      var found = Set<Int>()
      for name in names { found.insert(try opened.index(of: name)) }
      // Another one with the same content may go, as long as one of them stays.
      if let active, found.isSuperset(of: opened.activeVersions) {
        throw .removesActive(opened.path, versions[active].name)
      }
      guard found.count < versions.count else { throw .removesAll(opened.path) }
      return found.sorted()
    }
  }
}

extension VersionsFile {
  /// The index of the version that is found by this id, else by this name, as in QEMU.
  ///
  /// - Throws: `VersionError.unknown`, or `.hasMachineState` for a snapshot that is no version.
  func index(of name: String) throws(VersionError) -> Int {
    let found =
      versions.firstIndex { $0.id == name } ?? versions.firstIndex { $0.name == name }
    if let found { return found }
    let others = inventory.snapshots.map(Snapshot.init)
    if let other = others.first(where: { $0.id == name || $0.name == name }) {
      throw .hasMachineState(path, other.name)
    }
    throw .unknown(path, name, known: versions.map(\.name))
  }
}
