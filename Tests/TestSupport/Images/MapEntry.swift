/// One range of the disk as `qemu-img map` lists it.
public struct MapEntry: Decodable, Sendable {
  /// Where it begins on the disk.
  public let start: UInt64
  /// Its length in bytes.
  public let length: UInt64
  /// Whether it reads as zeros.
  public let zero: Bool
  /// Whether it has a place in the file.
  public let data: Bool
  /// That place.
  public let offset: UInt64?
}
