import ArgumentParser
import QDedupKit

/// How duplicates are found, and what of that stays in the output.
struct StoreOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      How many incarnations the hash store keeps; beyond that the oldest is forgotten, and its \
      duplicates are missed. 0 means no limit.
      """, valueName: "n"))
  var maxIncarnations: UInt32 = 128

  @Option(
    help: ArgumentHelp(
      """
      The size of an incarnation: 4 × 2^n entries, n from 1 to 31. (default: from the amount of \
      data in the input, 16 for a pipe)
      """, valueName: "n"))
  var logStoreOrder: StoreOrder?

  @Flag(help: "Leave the hash store out of the output.")
  var noHashStore = false
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
