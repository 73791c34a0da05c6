import QDedupKit

/// An estimate for people: for each image and kind of file a line for each cluster size, with a bar.
struct EstimateText {
  private let report: EstimateReport

  init(_ report: EstimateReport) {
    self.report = report
  }

  /// The estimate, with an empty line between its parts.
  var text: String {
    var parts = report.images.map(image)
    if let together = report.together {
      let heading = "all \(report.images.count) images in one file"
      parts.append(
        heading + "\n" + table(together.clusterSizes, together.recommended, together.virtualSize))
      parts.append(pairs)
    }
    parts.append(advice)
    return parts.joined(separator: "\n")
  }

  private func image(_ image: EstimateReport.Image) -> String {
    var rows = TextRows(image.path)
    rows.add("format", image.format)
    if let alignment = image.partitionAlignment {
      rows.add(
        "partitions",
        """
        begin at multiples of \(Quantity.bytes(alignment)) only: in larger clusters, equal files of \
        two partitions or images may lie differently and not be shared
        """)
    }
    return rows.text + table(image.clusterSizes, image.recommended, image.virtualSize)
  }

  private func table(
    _ sizes: [EstimateReport.ClusterSize], _ recommended: EstimateReport.Recommended,
    _ virtualSize: UInt64
  ) -> String {
    var rows = TextRows("  disk of \(Quantity.bytes(virtualSize)); in clusters of")
    for size in sizes {
      let bytes = UInt64(size.clusterSize)
      let (clusters, error) = (size.clusters, size.uniqueRelativeError)
      let range = error > 0 ? " (± \(percent(error)))" : ""
      rows.add(
        Quantity.bytes(bytes),
        """
        zeros \(Quantity.bytes(min(virtualSize, clusters.zero * bytes))), unique \
        \(Quantity.bytes(clusters.unique * bytes))\(range), duplicate \
        \(Quantity.percent(clusters.duplicate, of: clusters.unique + clusters.duplicate)) of the data
        """)
    }
    let largest = sizes.map { max($0.plain.fileBytes, $0.zlib.fileBytes, $0.zstd.fileBytes) }.max()
    let kinds: [(String, KeyPath<EstimateReport.ClusterSize, EstimateReport.File>, Int)] = [
      ("plain", \.plain, recommended.plain), ("zlib", \.zlib, recommended.zlib),
      ("zstd", \.zstd, recommended.zstd),
    ]
    var text = rows.text
    for (name, kind, choice) in kinds {
      var rows = TextRows("  \(name) file in clusters of")
      for size in sizes {
        let mark = size.clusterSize == choice ? " *" : ""
        rows.add(
          Quantity.bytes(UInt64(size.clusterSize)) + mark, line(size[keyPath: kind], largest ?? 1))
      }
      text += rows.text
    }
    return text
  }

  private func line(_ file: EstimateReport.File, _ largest: UInt64) -> String {
    let share = Double(file.fileBytes) / Double(max(1, largest))
    let bar = String(repeating: "█", count: max(1, Int((share * Self.barWidth).rounded())))
    let space = String(repeating: " ", count: max(0, Int(Self.barWidth) - bar.count))
    let half = Double(file.highBytes - file.lowBytes) / 2 / Double(max(1, file.fileBytes))
    let range = half >= 0.0005 ? " ± \(percent(half))" : ""
    return """
      \(bar)\(space) \(Quantity.bytes(file.fileBytes))\(range), ≤ \
      \(Quantity.bytes(file.upperBoundBytes)), reading costs \
      \(Quantity.fixed(file.readCost, digits: 1))
      """
  }

  private static let barWidth = 24.0

  private func percent(_ part: Double) -> String { Quantity.fixed(100 * part, digits: 1) + " %" }

  /// What each two images share, a line for each pair.
  private var pairs: String {
    var rows = TextRows("shared by two images, in clusters of 4 KiB, 16 KiB and 64 KiB")
    for pair in report.pairs {
      let shared = [4096, 16_384, 65_536].compactMap { size in
        pair.shared.first { $0.clusterSize == size }.map { Quantity.bytes($0.bytes) }
      }
      rows.add(
        "\(pair.first + 1) and \(pair.second + 1)", shared.joined(separator: ", "))
    }
    return rows.text
  }

  /// One line on what to do.
  private var advice: String {
    let (sizes, recommended) =
      report.together.map { ($0.clusterSizes, $0.recommended) }
      ?? (report.images[0].clusterSizes, report.images[0].recommended)
    func file(_ kind: KeyPath<EstimateReport.ClusterSize, EstimateReport.File>, _ size: Int)
      -> EstimateReport.File
    {
      // The recommended size is one of those that were looked at.
      sizes.first { $0.clusterSize == size }![keyPath: kind]
    }
    let plain = file(\.plain, recommended.plain)
    let (zlib, zstd) = (file(\.zlib, recommended.zlib), file(\.zstd, recommended.zstd))
    let best = min(zlib.fileBytes, zstd.fileBytes)
    if best > plain.fileBytes - plain.fileBytes / 10 {
      return """
        advice: compression saves less than a tenth; plain, --cluster-size \
        \(argument(recommended.plain)), gives about \(Quantity.bytes(plain.fileBytes))

        """
    }
    let takesZstd = zstd.fileBytes <= zlib.fileBytes + zlib.fileBytes / 20
    let (chosen, size) = takesZstd ? (zstd, recommended.zstd) : (zlib, recommended.zlib)
    return """
      advice: -c --compression-type \(takesZstd ? "zstd" : "zlib") --cluster-size \
      \(argument(size)) gives about \(Quantity.bytes(chosen.fileBytes)), plain clusters about \
      \(Quantity.bytes(plain.fileBytes))

      """
  }

  private func argument(_ size: Int) -> String { "\(size >> 10)K" }
}
