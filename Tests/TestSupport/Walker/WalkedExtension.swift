/// A header extension: its type and its bytes.
public struct WalkedExtension: Sendable {
  /// The number of the type.
  public let type: UInt64
  /// Where its data begin in the file.
  public let offset: Int
  /// Its data, without padding.
  public let data: [UInt8]

  /// The type of the feature name table.
  public static let featureNames: UInt64 = 0x6803_f857
  /// The type of the hash store.
  public static let hashStore: UInt64 = 0xcd8e_819b

  /// Reads the extensions between the header and the end of its cluster.
  static func all(
    in cluster: [UInt8], after length: Int, problems: inout [String]
  ) -> [WalkedExtension] {
    var found: [WalkedExtension] = []
    var offset = length
    while offset + 8 <= cluster.count {
      let type = cluster.number(4, at: offset)
      let count = Int(cluster.number(4, at: offset + 4))
      if type == 0 { return found }
      let padded = (count + 7) / 8 * 8
      guard offset + 8 + padded <= cluster.count else {
        problems.append("extension \(type) of \(count) bytes leaves the first cluster")
        return found
      }
      if found.contains(where: { $0.type == type }) { problems.append("extension \(type) twice") }
      let data = Array(cluster[(offset + 8)..<(offset + 8 + count)])
      if cluster[(offset + 8 + count)..<(offset + 8 + padded)].contains(where: { $0 != 0 }) {
        problems.append("the padding of extension \(type) is not zero")
      }
      found.append(WalkedExtension(type: type, offset: offset + 8, data: data))
      offset += 8 + padded
    }
    if offset < cluster.count { problems.append("no end of extensions in the first cluster") }
    return found
  }
}
