internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2
public import SystemPackage

/// Finds out what an image is. Reads its first cluster, its snapshot table and the lists of its hash
/// store, and opens no other file. It takes no locks: what a running QEMU changes at that time may be
/// shown as it was before.
public struct Inspector: Sendable {
  private let path: FilePath

  /// An inspector of one image.
  ///
  /// - Parameter path: A regular file or a block device.
  public init(_ path: FilePath) {
    self.path = path
  }

  /// Looks at the image.
  ///
  /// - Returns: What it is.
  /// - Throws: `ConversionError` if it cannot be read, or is a damaged qcow2 image.
  public func run() throws(ConversionError) -> InfoReport {
    try converting(ConversionError.image) { () throws(ImageError) in
      let file = try OwnedFile(readingImage: path)
      try file.requireRandomAccess()
      let format = try file.detectedFormat()
      let (size, allocated) = try file.imageSizes()
      var description = InfoReport(
        tool: .current, path: path.string,
        format: format?.rawValue ?? "raw", fileSize: size, allocatedBytes: allocated)
      switch format {
      case nil: description.virtualSize = try RawImage(file).virtualSize
      case .qcow2: try describe(try ImageFile(file), in: &description)
      case .some: break
      }
      return description
    }
  }

  private func describe(
    _ file: ImageFile, in description: inout InfoReport
  ) throws(ImageError) {
    let metadata = try ImageMetadata(file)
    description.virtualSize = metadata.virtualSize
    description.qcow2 = .init(metadata, try SnapshotTable.read(metadata, from: file))
    if let store = SavedHashStore(of: metadata, in: file) {
      description.hashStore = .init(store, clusterSize: metadata.clusterSize)
    }
  }
}

extension OwnedFile {
  /// The length of the file, and what it takes on the disk, which says nothing of a device.
  fileprivate borrowing func imageSizes() throws(ImageError) -> (UInt64, UInt64?) {
    do { return (try size(), try kind() == .blockDevice ? nil : allocatedSize()) } catch {
      throw .io(error)
    }
  }
}

extension ImageFeature {
  /// Whether it is the bit of the hash store, which a program that rewrites the table of names
  /// leaves out of it.
  fileprivate var isHashStore: Bool { kind == .autoclear && Int(bit) == StoreHeader.autoclearBit }
}

extension InfoReport.QCOW2 {
  init(_ metadata: ImageMetadata, _ snapshots: [Snapshot]) {
    self.init(
      version: metadata.version, clusterSize: metadata.clusterSize,
      refcountBits: metadata.refcountBits, compressionType: metadata.compression.rawValue,
      encryption: metadata.encryption,
      features: metadata.features.map {
        .init(
          kind: "\($0.kind)", bit: Int($0.bit),
          name: $0.isHashStore ? StoreHeader.featureName : $0.name)
      },
      backingFile: metadata.backingFile.map { .init(name: $0.name, format: $0.format) },
      dataFile: metadata.dataFile.map { .init(name: $0.name, format: $0.format) },
      snapshotCount: snapshots.count,
      snapshots: snapshots.prefix(InfoReport.longestList).map {
        .init(
          id: $0.id, name: $0.name, virtualSize: $0.virtualSize, takenAt: UInt64($0.seconds),
          machineStateSize: $0.machineStateSize)
      },
      l2CacheBytes: Self.l2CacheBytes(metadata, snapshots),
      headerExtensions: metadata.extensions.map {
        .init(type: "0x" + String($0.type, radix: 16), bytes: $0.data.count)
      })
  }
}

extension InfoReport.QCOW2 {
  /// The bytes of the L2 tables that a disk of the largest size has.
  private static func l2CacheBytes(_ metadata: ImageMetadata, _ snapshots: [Snapshot]) -> UInt64 {
    let size = snapshots.reduce(metadata.virtualSize) { max($0, $1.virtualSize ?? 0) }
    let clusterSize = UInt64(metadata.clusterSize)
    let extended = ImageFeature.extendedL2
    let hasSubclusters = metadata.features.contains {
      $0.kind == extended.kind && $0.bit == extended.bit
    }
    let bytesPerTable = clusterSize / (hasSubclusters ? 16 : 8) * clusterSize
    return (max(1, size) - 1) / bytesPerTable * clusterSize + clusterSize
  }
}

extension InfoReport.HashStore {
  init(_ store: SavedHashStore, clusterSize: Int) {
    let geometry = store.dump.flatMap { try? StoreGeometry(order: Int($0.order)) }
    let offsets = store.dump?.incarnations ?? []
    let limbo = store.dump?.limbo ?? []
    self.init(
      isValid: store.firstProblem == nil, state: store.state, problem: store.firstProblem,
      order: geometry?.order,
      entriesPerIncarnation: geometry.map { UInt64($0.entryCount) },
      maxIncarnations: store.header?.maxIncarnations,
      incarnationCount: offsets.count, limboCount: limbo.count,
      incarnations: zip(offsets, store.trailers).prefix(InfoReport.longestList).map {
        let trailer = try? $1.get()
        return .init(
          offset: $0.bytes, sequence: trailer?.sequence, usedEntries: trailer?.usedEntries)
      },
      limbo: limbo.prefix(InfoReport.longestList).map(\.bytes),
      usedEntries: store.trailers.reduce(0) { $0 + ((try? $1.get())?.usedEntries ?? 0) },
      bytesOnDisk: UInt64(geometry?.bytes(inClustersOf: clusterSize) ?? 0)
        * UInt64(offsets.count + limbo.count))
  }
}
