import ArgumentParser
import DedupStore
import FoundationEssentials
import Simulation
import SystemPackage

/// `scale`: the store alone at the size of a large disk, without the disk.
@main
struct Scale: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scale",
    abstract: "Runs the hash store alone over the digests of a simulated disk.",
    discussion: """
      Each cluster is looked up, and inserted if the store does not know it, as a conversion \
      does; a tenth of the clusters are duplicates, of near and far ones. Incarnations are really \
      written, to an unnamed file in --directory, about 38 bytes an entry. One thread works. \
      A wrong answer of the store ends the run with an error.
      """)

  @Option(help: "How many clusters the disk has; the default is 1 TiB of 4 KiB ones.")
  var clusters: UInt64 = 1 << 28

  @Option(help: "The order of the store, 1 to 31. (default: what a conversion of so much takes)")
  var order: Int?

  @Option(help: "How many incarnations the store keeps; 0 means no limit.")
  var maxIncarnations: UInt32 = 128

  @Option(help: "Where incarnations are written.", completion: .directory)
  var directory = "/var/tmp"

  @Flag(help: "Print the figures as JSON.")
  var json = false

  func validate() throws {
    if clusters == 0 { throw ValidationError("--clusters must be at least 1.") }
    if let order, !StoreGeometry.validOrders.contains(order) {
      throw ValidationError("--order must be 1 to 31.")
    }
  }

  func run() throws {
    let order = order ?? max(14, StoreGeometry.order(forDataClusters: clusters))
    let storage = try FileStorage(in: FilePath(directory))
    let store = try HashStore(order: order, maxIncarnations: maxIncarnations, storage: storage)
    let begin = ProcessFigures()
    var trial = Trial(store: store, storage: storage)
    try trial.run(SimulatedDisk(clusters: clusters))
    let figures = Figures(
      trial, clusters: clusters, spent: ProcessFigures() - begin,
      diskBytes: try storage.allocatedBytes())
    print(json ? try figures.json : figures.table)
  }
}
