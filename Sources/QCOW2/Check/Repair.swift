/// How much `qemu-img check -r` is to mend. What a guest reads is the same before and after it: only
/// refcounts, and flags that follow from them, change.
public enum Repair: String, Codable, Sendable {
  /// Clusters that are counted and that nothing uses.
  case leaks
  /// All that is wrong.
  case all
}
