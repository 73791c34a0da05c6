import CQDedupShims
import Glibc
internal import SystemPackage

extension OwnedFile {
  /// Gives the file what the file of another name has and readers go by: owner, group, permissions,
  /// access control list and `user.` attributes.
  ///
  /// What the system refuses is left out, but nobody gets more rights than before: a group that
  /// cannot be kept has no more rights than all others, and where the list cannot be kept the group
  /// has none, because its bits in the mode are then the bounds of the whole list (acl(5)).
  ///
  /// - Parameter path: The other file; nothing is done if it is not there.
  borrowing func adoptAttributes(of path: FilePath) {
    guard let other = try? OwnedFile(readingFrom: path) else {
      adoptMode(of: path)
      return
    }
    var status = stat()
    guard fstat(other.descriptor, &status) == 0 else { return }
    // A list that the folder gave by default would outlive the mode.
    _ = qdedup_remove_attribute(descriptor, Self.accessList)
    let mode = adoptOwner(status)
    let list = other.attribute(Self.accessList)
    _ = fchmod(descriptor, list == nil ? mode : mode & ~0o070)
    if let list { setAttribute(Self.accessList, list) }
    for name in other.attributeNames() where name.hasPrefix("user.") {
      if let value = other.attribute(name) { setAttribute(name, value) }
    }
  }

  /// The same for a file that cannot be opened: its list is not known, so the group has no rights.
  private borrowing func adoptMode(of path: FilePath) {
    var status = stat()
    guard path.withPlatformString({ stat($0, &status) }) == 0 else { return }
    _ = qdedup_remove_attribute(descriptor, Self.accessList)
    _ = fchmod(descriptor, adoptOwner(status) & ~0o070)
  }

  /// Takes over owner and group, as far as that is allowed.
  ///
  /// - Parameter status: That of the other file.
  /// - Returns: The mode that gives nobody more than the other file did.
  private borrowing func adoptOwner(_ status: stat) -> mode_t {
    let mode = status.st_mode & 0o7777
    if fchown(descriptor, status.st_uid, status.st_gid) == 0 { return mode }
    var own = stat()
    guard fstat(descriptor, &own) == 0 else { return mode & 0o600 }
    let keepsGroup =
      own.st_gid == status.st_gid || fchown(descriptor, uid_t.max, status.st_gid) == 0
    let keepsOwner = own.st_uid == status.st_uid
    if keepsGroup && keepsOwner { return mode }
    let plain = mode & 0o777
    return keepsGroup ? plain : plain & ~0o070 | (plain & 0o007) << 3 & plain
  }

  /// The attribute that holds a POSIX access control list.
  private static var accessList: String { "system.posix_acl_access" }

  /// The names of all extended attributes; none where there are none.
  private borrowing func attributeNames() -> [String] {
    let size = qdedup_attribute_names(descriptor, nil, 0)
    guard size > 0 else { return [] }
    var names = [CChar](repeating: 0, count: size)
    let count = qdedup_attribute_names(descriptor, &names, size)
    guard count > 0 else { return [] }
    return names[..<count].split(separator: 0).map { name in
      String(decoding: name.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }

  /// The value of an extended attribute; nil if it is not there.
  private borrowing func attribute(_ name: String) -> [UInt8]? {
    let size = qdedup_attribute(descriptor, name, nil, 0)
    guard size >= 0 else { return nil }
    var value = [UInt8](repeating: 0, count: size)
    let count = qdedup_attribute(descriptor, name, &value, size)
    return count < 0 ? nil : Array(value[..<count])
  }

  private borrowing func setAttribute(_ name: String, _ value: [UInt8]) {
    _ = qdedup_set_attribute(descriptor, name, value, value.count)
  }
}
