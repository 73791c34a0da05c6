import DiskIO
import DiskImage
import QCOW2
import SystemPackage
import TestSupport
import Testing

@testable import QDedupKit

/// The places in a file that its disks map, gathered piece by piece.
@Suite struct MappedPlacesTests {
  /// A place as a test sees it.
  private struct Seen: Equatable {
    let mapping: ClusterMapping
    let guestCluster: UInt64
  }

  /// A file with three versions that share most of their clusters.
  private struct Versions {
    let file: OpenFile
    let inventory: ImageInventory

    init(_ folder: TemporaryDirectory, _ options: [String]) throws {
      let path = folder.file("versions.qcow2")
      var bytes = RawImage.mixture(clusters: 300, size: 512, kinds: 100, seed: 5)
      for number in 1...3 {
        let disk = folder.file("\(number).img")
        try RawImage.write(bytes, to: disk)
        let step =
          number == 1
          ? ["convert", "-q", "--cluster-size", "512"] + options + [
            "--name", "v1", disk.string, path.string,
          ]
          : ["add", "-q", "--name", "v\(number)", path.string, disk.string]
        try Command.qdedup(step).run().expectingExit(0)
        bytes.replaceSubrange(
          (number * 20_480)..<((number + 1) * 20_480),
          with: RawImage.noise(count: 20_480, seed: UInt64(number)))
      }
      file = OpenFile(try OwnedFile(readingFrom: path))
      inventory = try ImageInventory(
        try ImageFile(try OwnedFile(readingImage: path)), changing: file)
    }

    var disks: [DiskTables] { inventory.snapshots.map(inventory.disk(of:)) }

    /// Each place once, with the first cluster of the first disk that maps it, by place.
    func model() throws -> [Seen] {
      let walk = try TableWalk(file, inventory.geometry)
      var found: [ClusterMapping: UInt64] = [:]
      for disk in disks {
        for (index, table) in try walk.l2Tables(of: disk).enumerated() {
          guard let table else { continue }
          try walk.forEachMapping(inTable: table) { slot, mapping in
            if found[mapping] == nil { found[mapping] = UInt64(index * 64 + slot) }
          }
        }
      }
      return found.map { Seen(mapping: $0.key, guestCluster: $0.value) }.sorted {
        let hosts = [$0, $1].map { $0.mapping.host(inventory.geometry) }
        return hosts[0] != hosts[1]
          ? hosts[0] < hosts[1] : $0.mapping.entry < $1.mapping.entry
      }
    }
  }

  @Test(
    "Pieces of any size have each place once, in the order of the file",
    arguments: [[], ["-c", "--compression-type", "zstd"]])
  func pieces(options: [String]) throws {
    let versions = try Versions(try TemporaryDirectory(), options)
    let model = try versions.model()
    #expect(model.count > 150)
    for limit in [1, 2, 7, 64, 10_000] {
      var places = MappedPlaces(versions.inventory.geometry, limit: limit)
      var (seen, pieces) = ([Seen](), 0)
      repeat {
        try places.gather(from: versions.disks, of: versions.file)
        seen += places.sorted.map {
          Seen(mapping: $0.mapping, guestCluster: $0.guestCluster)
        }
        pieces += 1
      } while places.advance()
      #expect(seen == model, "pieces of \(limit)")
      #expect(limit > 64 ? pieces == 1 : pieces > model.count / limit / 2)
    }
  }
}
