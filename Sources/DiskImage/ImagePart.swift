public import DiskIO

/// A file that an image consists of.
public struct ImagePart: Equatable, Sendable {
  /// What the file is to the image. The raw value names it in messages.
  public enum Role: String, Sendable {
    case image
    case backingFile = "backing file"
    case dataFile = "data file"
  }

  /// What the file is to the image.
  public let role: Role
  /// What tells the file from others.
  public let identity: FileIdentity

  /// The file with this identity.
  public init(_ role: Role, _ identity: FileIdentity) {
    self.role = role
    self.identity = identity
  }
}
