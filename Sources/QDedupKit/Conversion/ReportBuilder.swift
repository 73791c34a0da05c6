internal import DedupStore
internal import DiskImage
internal import QCOW2
internal import SystemPackage

/// Puts a report together from what the parts of a finished conversion counted.
struct ReportBuilder {
  let options: ConvertOptions
  let input: OpenedInput
  let source: any BatchSource
  let image: FinishedImage
  let allocatedBytes: UInt64
  let counts: ClusterCounts
  /// How many clusters all disks have that were read.
  let clusterTotal: UInt64
  let store: HashStore
  let storeInUse: StoreInUse
  let begin: ResourceUsage

  func report() -> ConversionReport {
    ConversionReport(
      tool: .current,
      input: .init(
        path: input.name, format: input.format.rawValue, virtualSize: source.virtualSize,
        fileSize: source.fileSize),
      output: .init(
        path: options.output.path.string, virtualSize: source.virtualSize, fileSize: image.fileSize,
        allocatedBytes: allocatedBytes, clusterSize: options.output.geometry.clusterSize,
        compression: options.output.compression?.method.rawValue ?? "none",
        refcountBits: image.refcountWidth.rawValue),
      clusters: clusters, bytes: bytes, ratios: ratios, hashStore: hashStore,
      maxReferences: image.highestReferenceCount, verified: options.output.verifies,
      timing: .init(since: begin, byteCount: bytes.data),
      peakRssBytes: ResourceUsage().peakResidentBytes, warnings: warnings)
  }

  private var clusters: ConversionReport.Clusters {
    let data = counts.unique + counts.duplicate
    return .init(
      total: clusterTotal, zero: clusterTotal - data, data: data, unique: counts.unique,
      duplicate: counts.duplicate)
  }

  private var bytes: ConversionReport.Bytes {
    let size = UInt64(options.output.geometry.clusterSize)
    let uniqueBytes = counts.unique * size
    return .init(
      data: uniqueBytes + counts.duplicate * size, written: counts.writtenBytes,
      savedByDedup: counts.duplicate * size,
      savedByCompression: uniqueBytes - min(uniqueBytes, counts.writtenBytes))
  }

  private var ratios: ConversionReport.Ratios {
    func ratio(_ part: UInt64, _ whole: UInt64) -> Double {
      whole == 0 ? 1 : Double(part) / Double(whole)
    }
    let unique = counts.unique * UInt64(options.output.geometry.clusterSize)
    return .init(
      dedup: ratio(bytes.data, unique), compression: ratio(unique, counts.writtenBytes),
      total: ratio(bytes.data, counts.writtenBytes))
  }

  private var hashStore: ConversionReport.HashStore {
    let statistics = store.statistics
    let incarnations = UInt64(store.incarnationCount + store.limboCount)
    let placeBytes =
      options.store.isKept
      ? store.geometry.bytes(inClustersOf: options.output.geometry.clusterSize)
      : store.geometry.incarnationBytes
    return .init(
      present: options.store.isKept, order: store.geometry.order,
      entriesPerIncarnation: UInt64(store.geometry.entryCount),
      maxIncarnations: store.maxIncarnations, incarnations: UInt64(store.incarnationCount),
      limbo: UInt64(store.limboCount), freezes: statistics.freezes,
      forgotten: statistics.forgotten, limboReuses: statistics.limboReuses,
      lookups: statistics.lookups + counts.lookupsInFlight,
      logStoreHits: statistics.logStoreHits + counts.lookupsInFlight,
      incarnationHits: statistics.incarnationHits, falsePositives: statistics.falsePositives,
      entriesLeftOut: statistics.entriesLeftOut,
      collisions: counts.collisions, referencesCapped: counts.referencesCapped,
      bytesOnDisk: incarnations * UInt64(placeBytes),
      ramBytes: storeInUse.ramBytes, indexMemory: options.store.memory,
      rememberedClusters: storeInUse.rememberedClusters,
      mayMissClusters: statistics.forgottenEntries,
      mayMissBytes: statistics.forgottenEntries << UInt64(options.output.geometry.clusterBits))
  }
}
