import ArgumentParser
import QDedupKit

/// How duplicates are found, and what of that stays in the output.
struct StoreOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      What the hash store may take in memory, from 256K to 1024G: its order and the number of \
      incarnations are chosen for that, and the report says what it may miss. (default: \
      enough for all that the input holds)
      """, valueName: "size"))
  var indexMemory: IndexMemory?

  @Option(
    help: ArgumentHelp(
      """
      How many incarnations the hash store keeps; beyond that the oldest is forgotten, and its \
      duplicates are missed. 0 means no limit. (default: 128, or what fits --index-memory)
      """, valueName: "n"))
  var maxIncarnations: UInt32?

  @Option(
    help: ArgumentHelp(
      """
      The size of an incarnation: 4 × 2^n entries, n from 1 to 31. (default: from the amount of \
      data in the input and --index-memory, 16 for a pipe)
      """, valueName: "n"))
  var logStoreOrder: StoreOrder?

  @Flag(help: "Leave the hash store out of the output.")
  var noHashStore = false
}

/// An amount of memory for the hash store, checked.
struct IndexMemory: ExpressibleByArgument {
  let bytes: UInt64

  init?(argument: String) {
    guard let bytes = ByteSize.bytes(argument), ConvertOptions.indexMemoryRange.contains(bytes)
    else { return nil }
    self.bytes = bytes
  }
}

/// An order of the hash store, checked.
struct StoreOrder: ExpressibleByArgument {
  let value: Int

  init?(argument: String) {
    guard let value = Int(argument), ConvertOptions.logStoreOrders.contains(value) else {
      return nil
    }
    self.value = value
  }
}
