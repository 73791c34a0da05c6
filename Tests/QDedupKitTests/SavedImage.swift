import DedupStore
import DiskIO
import DiskImage
import QCOW2
import QDedupKit
import SystemPackage
import Testing

/// The output of a trial, open for reading, with the store that it carries.
struct SavedImage {
  let file: ImageFile
  let metadata: ImageMetadata
  let saved: SavedHashStore
  let geometry: ClusterGeometry

  init(_ trial: Trial) throws {
    file = try ImageFile(try OwnedFile(readingImage: trial.options.output.path))
    metadata = try ImageMetadata(file)
    saved = try #require(SavedHashStore(of: metadata, in: file))
    geometry = trial.options.output.geometry
  }

  /// The store, opened.
  func open() throws -> HashStore { try #require(try saved.open(in: file)) }

  /// The distinct clusters of a disk that are not zeros, by their digest.
  func clusters(of disk: [UInt8]) -> [Digest: [UInt8]] {
    var clusters: [Digest: [UInt8]] = [:]
    for start in stride(from: 0, to: disk.count, by: geometry.clusterSize) {
      let cluster = Array(disk[start..<start + geometry.clusterSize])
      if cluster.allSatisfy({ $0 == 0 }) { continue }
      clusters[cluster.withUnsafeBytes { Digest(of: $0) }] = cluster
    }
    return clusters
  }

  /// Looks all clusters up; a hit must name data with the same bytes.
  ///
  /// - Returns: How many were found.
  func found(_ clusters: [Digest: [UInt8]], in store: HashStore) throws -> Int {
    let reader = try MappedClusters(metadata, file)
    var found = 0
    for (digest, cluster) in clusters {
      guard let hit = try store.lookup(digest) else { continue }
      found += 1
      let place = ClusterMapping(physicalSector: hit.entry.physicalSector)
      #expect(try reader.withCluster(at: place) { Array($0) } == cluster)
    }
    return found
  }
}
