import ArgumentParser
import QDedupKit

/// How duplicates are found, and what of that stays in the output.
struct StoreOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      What the hash store may take in memory, from 256K to 1024G: its order and the number of \
      incarnations are chosen for that, and the report says what it may miss. (default: \
      enough for all that the input holds)
      """, valueName: "size"), transform: StoreOptions.indexMemory)
  var indexMemory: UInt64?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      How many incarnations the hash store keeps, 1 to \(UInt32.max); beyond that the oldest is \
      forgotten, and its duplicates are missed. 0 means no limit. (default: 128, or what fits \
      --index-memory)
      """, valueName: "n"))
  var maxIncarnations: UInt32?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      The size of an incarnation: 4 × 2^n entries, n from 1 to 31. (default: from the amount of \
      data in the input, with --index-memory from the size of the disk; 16 for a pipe)
      """, valueName: "n"))
  var logStoreOrder: StoreOrder?

  @Flag(
    inversion: .prefixedNo,
    help: """
      Keep the hash store in the output, or leave it out. (default: keep it, but with clusters of \
      512 bytes and 1K only in a file with versions: it takes 7 or 3 % of the data there)
      """)
  var hashStore: Bool?

  /// Whether the hash store is kept in an output with clusters of this size.
  func keepsHashStore(clusterSize: Int, hasVersions: Bool) -> Bool {
    hashStore ?? (hasVersions || clusterSize >= 2048)
  }

  /// An amount of memory for the hash store, checked.
  @Sendable static func indexMemory(_ text: String) throws -> UInt64 {
    let bytes = try ByteSize.parse(text)
    guard ConvertOptions.Store.memoryRange.contains(bytes) else {
      throw ValidationError("the hash store may have from 256K to 1024G")
    }
    return bytes
  }
}

/// An order of the hash store, checked.
struct StoreOrder: ExpressibleByArgument {
  let value: Int

  init?(argument: String) {
    guard let value = Int(argument), ConvertOptions.Store.orders.contains(value) else {
      return nil
    }
    self.value = value
  }
}
