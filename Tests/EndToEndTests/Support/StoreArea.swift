import TestSupport

/// The parts of a file that a hash store of order 4 vouches for: 64 slots with tags of 2 bytes.
enum StoreArea: CaseIterable {
  case headerExtension, dump, filter, filterSlack, trailer, table, tableRest, data

  /// Where the bytes of the area stand in the file.
  ///
  /// - Parameters:
  ///   - store: The store.
  ///   - walker: The image that carries it.
  ///   - dataBytes: How many bytes of each cluster with data count, from its first on.
  /// - Returns: The ranges, one for each incarnation or cluster.
  func ranges(
    in store: WalkedStore, of walker: QCOW2Walker, dataBytes: UInt64
  ) -> [Range<UInt64>] {
    let offsets = store.incarnationOffsets
    switch self {
    case .headerExtension:
      let found = walker.extensions.filter { $0.type == WalkedExtension.hashStore }
      return found.map { UInt64($0.offset)..<UInt64($0.offset + $0.data.count) }
    case .dump:
      return [store.dumpOffset..<store.dumpOffset + 12 + 8 * UInt64(offsets.count)]
    case .filter: return offsets.map { $0..<($0 + 128) }
    case .filterSlack: return offsets.map { ($0 + 128)..<($0 + 4032) }
    case .trailer: return offsets.map { ($0 + 4032)..<($0 + 4096) }
    case .table: return offsets.map { ($0 + 4096)..<($0 + 4096 + 64 * 32) }
    case .tableRest: return offsets.map { ($0 + 4096 + 64 * 32)..<($0 + 8192) }
    case .data: return walker.mappings.map { $0.host..<($0.host + dataBytes) }
    }
  }
}
