package import DiskImage

/// What room the first cluster has for the header and its extensions.
extension ImageWriter {
  /// How many bytes a further header extension may have for the header to fit the first cluster,
  /// with room left for what QEMU adds when it rewrites the header (its own feature names, the
  /// name of a backing file).
  ///
  /// - Parameter features: The features that will be named.
  /// - Returns: A number of bytes, 0 if there is no room.
  public func roomForExtension(besides features: [ImageFeature]) -> Int {
    Self.roomForExtension(besides: features, geometry)
  }

  /// The same for images with clusters of a size.
  package static func roomForExtension(
    besides features: [ImageFeature], _ geometry: ClusterGeometry
  ) -> Int {
    let fixed =
      Header.length + ImageFeature.nameTable(features).encoded().count
      + 2 * HeaderExtension.prefixSize
    let reserve = min(geometry.clusterSize / 4, reserveForQEMU)
    return max(0, min(geometry.clusterSize - reserve, mostHeaderBytes) - fixed)
  }

  /// The most bytes of the header with its extensions: some readers (qcow2-rs) look at no more.
  static let mostHeaderBytes = 4096

  /// QEMU's table of eight feature names, a backing format and a backing file name of 1,023 bytes.
  private static let reserveForQEMU = 1472
}
