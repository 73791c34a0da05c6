/// The queue of a breadth-first search for a cuckoo path, bounded and without any randomness.
///
/// A node is a bucket that an entry of an earlier node's bucket may move to. The search takes nodes in
/// the order in which they were added, so it meets the nearest free slot first. It may reach a bucket
/// more than once: to notice that would cost more than to look again. Memory for all nodes is there
/// from the start; a search allocates nothing, and its state is a local variable of its caller.
struct CuckooSearch: ~Copyable {
  /// A bucket that the search has reached.
  struct Step {
    /// The bucket.
    let bucket: Int
    fileprivate let index: Int
  }

  fileprivate struct Node {
    var bucket: UInt32
    /// The node that led here, or −1.
    var parent: Int32
    /// The slot of the parent's bucket whose entry may move to this bucket.
    var slot: Int
  }

  /// How many buckets a search may reach at most. With fewer the table is frozen noticeably emptier;
  /// with more the last inserts cost more than the room that they win.
  static let capacity = 512

  /// The memory for the nodes of one search at a time.
  struct Memory: ~Copyable {
    fileprivate let nodes = UnsafeMutablePointer<Node>.allocate(capacity: capacity)

    init() {
      nodes.initialize(repeating: Node(bucket: 0, parent: 0, slot: 0), count: capacity)
    }

    deinit { nodes.deallocate() }

    /// The bytes of it.
    static var byteCount: Int { capacity * MemoryLayout<Node>.stride }
  }

  private let nodes: UnsafeMutablePointer<Node>
  private var head = 0
  private var tail = 0
  private let bound: Int

  /// A search in the two buckets of an entry that reaches at most `bound` buckets.
  ///
  /// - Parameters:
  ///   - h1: One bucket.
  ///   - h2: The other, or the same.
  ///   - memory: What holds the nodes. It must live as long as the search, and serve no other.
  ///   - bound: How many buckets it may reach.
  init(_ h1: Int, _ h2: Int, in memory: borrowing Memory, bound: Int) {
    nodes = memory.nodes
    self.bound = min(bound, Self.capacity)
    push(Node(bucket: UInt32(h1), parent: -1, slot: 0))
    if h2 != h1 { push(Node(bucket: UInt32(h2), parent: -1, slot: 0)) }
  }

  /// The next bucket in the order of distance, or nil when the search is at its bound.
  mutating func next() -> Step? {
    guard head < tail else { return nil }
    let index = head
    head += 1
    return Step(bucket: Int(nodes[index].bucket), index: index)
  }

  /// Notes that the entry in `slot` of the bucket of `step` may move to `bucket`.
  mutating func add(bucket: Int, from step: Step, slot: Int) {
    push(Node(bucket: UInt32(bucket), parent: Int32(step.index), slot: slot))
  }

  /// The slot, and its bucket's step, from which an entry would move to the bucket of `step`; nil
  /// for the two buckets that the search began in.
  func origin(of step: Step) -> (slot: Int, step: Step)? {
    let node = nodes[step.index]
    guard node.parent >= 0 else { return nil }
    let parent = Int(node.parent)
    return (node.slot, Step(bucket: Int(nodes[parent].bucket), index: parent))
  }

  private mutating func push(_ node: Node) {
    guard tail < bound else { return }
    nodes[tail] = node
    tail += 1
  }
}
