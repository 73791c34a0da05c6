internal import DedupStore
internal import DiskImage
internal import QCOW2

/// Compares the digests of entries with the clusters that they name. Entries are gathered and read in
/// the order of the file.
final class EntryDataCheck {
  private struct Named {
    let entry: StoreEntry
    let slot: Int
    let incarnation: String
  }

  private static let capacity = 1 << 16

  private let clusters: MappedClusters
  private let tables: ClusterTables?
  private let geometry: ClusterGeometry?
  private let hasVersions: Bool
  private var gathered: [Named] = []

  /// A check of one image's entries.
  ///
  /// - Parameters:
  ///   - metadata: The image's header.
  ///   - file: The image.
  /// - Throws: `ImageError` if there is not enough memory.
  init(_ metadata: ImageMetadata, _ file: ImageFile) throws(ImageError) {
    clusters = try MappedClusters(metadata, file)
    tables = try Self.tables(metadata, file)
    geometry = ClusterGeometry(clusterSize: metadata.clusterSize)
    hasVersions = metadata.snapshotCount > 0
  }

  /// The image's tables; nil if they are not where they can be.
  private static func tables(
    _ metadata: ImageMetadata, _ file: ImageFile
  ) throws(ImageError) -> ClusterTables? {
    do throws(ImageError) {
      return try ClusterTables(metadata, file: file)
    } catch {
      guard case .malformed = error else { throw error }
      return nil
    }
  }

  /// Takes an entry, whose place has been checked.
  func add(
    _ entry: StoreEntry, _ incarnation: String, slot: Int, _ report: inout CheckReport.HashStore
  ) throws(ImageError) {
    gathered.append(Named(entry: entry, slot: slot, incarnation: incarnation))
    if gathered.count == Self.capacity { try flush(&report) }
  }

  /// Compares all entries that were taken.
  func flush(_ report: inout CheckReport.HashStore) throws(ImageError) {
    gathered.sort { host(of: $0) < host(of: $1) }
    defer { gathered.removeAll(keepingCapacity: true) }
    // A cluster that many entries name is read once: a damaged store may name one in all slots.
    var last: (mapping: ClusterMapping, digest: Digest)?
    for named in gathered {
      let mapping = ClusterMapping(physicalSector: named.entry.physicalSector)
      let place = "\(named.incarnation), slot \(named.slot)"
      report.comparedClusters? += 1
      do throws(ImageError) {
        let digest =
          try last?.mapping == mapping
          ? last!.digest : clusters.withCluster(at: mapping) { Digest(of: $0) }
        last = (mapping, digest)
        if digest != named.entry.digest {
          if hasVersions {
            report.staleEntries += 1
            continue
          }
          report.note(
            """
            \(place): the cluster at byte \(host(of: named)) has the digest \(digest), \
            must have \(named.entry.digest)
            """)
        }
      } catch {
        guard case .malformed(_, let reason) = error else { throw error }
        if hasVersions {
          // A compressed cluster that became free, and in whose room another one begins.
          report.staleEntries += 1
          continue
        }
        report.note("\(place): \(reason)")
      }
      // Where a cluster was first is a place in one of the versions, which need not be there any more.
      if hasVersions { continue }
      if try !isMapped(named.entry, to: mapping) {
        report.note(
          """
          \(place): guest byte \(named.entry.firstLogicalSector << 9) is not mapped to the \
          cluster at byte \(host(of: named))
          """)
      }
    }
  }

  private func host(of named: Named) -> UInt64 {
    guard let geometry else { return 0 }
    return ClusterMapping(physicalSector: named.entry.physicalSector).host(geometry).bytes
  }

  /// Whether the image maps the guest cluster that an entry names to the entry's place.
  private func isMapped(
    _ entry: StoreEntry, to mapping: ClusterMapping
  ) throws(ImageError) -> Bool {
    let guest = GuestOffset(entry.firstLogicalSector << 9)
    guard let tables, let geometry else { return false }
    let run: MappedRun
    do throws(ImageError) {
      run = try tables.run(at: guest, limit: 512)
    } catch {
      // Tables that say what cannot be map nothing; tables that cannot be read say nothing.
      guard case .malformed = error else { throw error }
      return false
    }
    switch run.place {
    case .standard(let host):
      return !mapping.isCompressed && host == mapping.host(geometry)
    case .compressed(let found, _):
      return found == mapping
    case .zero, .unallocated:
      return false
    }
  }
}
