internal import DedupStore
internal import DiskImage
internal import QCOW2

extension ReportBuilder {
  /// What a user of the output should know.
  var warnings: [String] {
    input.leftBehind(besides: options.input.snapshot)
      + [pipeWarning, memoryWarning, sharingWarning, sizeWarning].compactMap { $0 }
  }

  /// The cluster size that a pipe gets where the content of a file would decide.
  private var pipeWarning: String? {
    guard options.output.choosesClusterSize, case .pipe = input.source else { return nil }
    return """
      the input is a pipe, which cannot be read twice, so its content did not choose the cluster \
      size: clusters of \(UInt64(options.output.geometry.clusterSize).inByteUnits)
      """
  }

  /// Order and limit of the store count also if they take more memory than was asked for.
  private var memoryWarning: String? {
    guard let bound = options.store.memory, storeInUse.ramBytes > bound else { return nil }
    let causes = [
      options.store.order.map { "--log-store-order \($0)" },
      options.store.maxIncarnations.map { "--max-incarnations \($0)" },
    ].compactMap { $0 }
    let advice =
      causes.isEmpty ? "" : "; to keep to it, leave out \(causes.joined(separator: " and "))"
    return """
      the hash store took \(storeInUse.ramBytes.inByteUnits) of memory, more than the \
      \(bound.inByteUnits) of --index-memory\(advice)
      """
  }

  /// A plain image in which anything is shared is not as other images are.
  private var sharingWarning: String? {
    guard counts.duplicate > 0, options.output.compression == nil else { return nil }
    return """
      clusters are shared; a guest that writes here leads to OFLAG_COPIED findings of qemu-img check \
      (harmless, see README.md, "Plain or compressed")
      """
  }

  /// Two readers take a file only if it is about as large as its disk.
  private var sizeWarning: String? {
    let limits = ImageLimits(options.output.geometry)
    let expected = limits.fileSizeFromDiskSize(source.virtualSize, image.refcountWidth)
    guard options.store.isKept, options.output.version == nil, image.fileSize > expected
    else { return nil }
    return """
      crosvm and Cloud Hypervisor refuse this file: with the hash store it is larger than they \
      expect for a disk of this size (see Documentation/Readers.md)
      """
  }
}
