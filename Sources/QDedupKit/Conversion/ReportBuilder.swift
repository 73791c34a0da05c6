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

extension ReportBuilder {
  /// What a user of the output should know.
  var warnings: [ReportWarning] {
    input.leftBehind(besides: options.input.snapshot)
      + [pipeWarning, memoryWarning, sharingWarning, sizeWarning].compactMap { $0 }
  }

  /// The cluster size that a pipe gets where the content of a file would decide.
  private var pipeWarning: ReportWarning? {
    guard options.output.choosesClusterSize, case .pipe = input.source else { return nil }
    return ReportWarning(
      """
      the input is a pipe, which cannot be read twice, so its content did not choose the cluster \
      size: clusters of \(UInt64(options.output.geometry.clusterSize).inByteUnits)
      """)
  }

  /// Order and limit of the store count also if they take more memory than was asked for.
  private var memoryWarning: ReportWarning? {
    guard let bound = options.store.memory, storeInUse.ramBytes > bound else { return nil }
    var warning = ReportWarning(
      """
      the hash store took \(storeInUse.ramBytes.inByteUnits) of memory, more than the \
      \(bound.inByteUnits) of its bound
      """)
    let (order, limit) = (options.store.order, options.store.maxIncarnations)
    if order != nil || limit != nil {
      warning.remedies.append(.keepToStoreMemory(withoutOrder: order, withoutLimit: limit))
    }
    return warning
  }

  /// A plain image in which anything is shared is not as other images are.
  private var sharingWarning: ReportWarning? {
    guard counts.duplicate > 0, options.output.compression == nil else { return nil }
    return ReportWarning(
      "clusters are shared; a guest that writes here leaves flags that differ from the refcounts",
      .expectFlagFindings)
  }

  /// Two readers take a file only if it is about as large as its disk.
  private var sizeWarning: ReportWarning? {
    let limits = ImageLimits(options.output.geometry)
    let expected = limits.fileSizeFromDiskSize(source.virtualSize, image.refcountWidth)
    guard options.store.isKept, options.output.version == nil, image.fileSize > expected
    else { return nil }
    return ReportWarning(
      """
      crosvm and Cloud Hypervisor refuse this file: with the hash store it is larger than they \
      expect for a disk of this size (see Documentation/Readers.md)
      """)
  }
}

/// What a store was during a conversion, before it was laid out again for the output.
struct StoreInUse {
  /// What it took in memory.
  let ramBytes: UInt64
  /// How many of the last clusters it was sure to remember; nil without a limit of incarnations.
  let rememberedClusters: UInt64?

  /// Takes the values as they are now.
  init(_ store: HashStore) {
    ramBytes = UInt64(store.ramBytes)
    rememberedClusters = store.rememberedEntries
  }
}
