import DiskImage
import Glibc
import QDedupKit

/// The description of an image for people.
struct InfoText {
  private let image: InfoReport

  init(_ image: InfoReport) {
    self.image = image
  }

  /// The description, a line for each point.
  var text: String {
    var rows = TextRows(image.path)
    rows.add("format", format)
    rows.add(
      "disk", image.virtualSize.map { "\(Quantity.bytes($0)) (\(Quantity.grouped($0)) bytes)" })
    let size = Quantity.bytes(image.fileSize)
    if let allocated = image.allocatedBytes {
      rows.add("file", "\(size), \(Quantity.bytes(allocated)) on disk")
    } else {
      rows.add("device", size)
    }
    if let qcow2 = image.qcow2 { add(qcow2, to: &rows) }
    if let store = image.hashStore { add(store, to: &rows) }
    return rows.text
  }

  private var format: String {
    guard let qcow2 = image.qcow2 else {
      return image.virtualSize == nil ? "\(image.format), which is not read" : image.format
    }
    return """
      qcow2 version \(qcow2.version), clusters of \(Quantity.bytes(UInt64(qcow2.clusterSize))), \
      refcounts of \(Quantity.count(UInt64(qcow2.refcountBits), "bit")), \
      compression by \(qcow2.compressionType)
      """
  }

  private func add(_ qcow2: InfoReport.QCOW2, to rows: inout TextRows) {
    rows.add("encryption", qcow2.encryption)
    rows.add(
      "L2 cache",
      "l2-cache-size=\(qcow2.l2CacheBytes) (\(Quantity.bytes(qcow2.l2CacheBytes))) is enough")
    for (index, feature) in qcow2.features.enumerated() {
      rows.add(
        index == 0 ? "features" : nil,
        "\(visible(feature.name)) (\(feature.kind) bit \(feature.bit))")
    }
    rows.add("backing file", qcow2.backingFile.map(external))
    rows.add("data file", qcow2.dataFile.map(external))
    for (index, snapshot) in qcow2.snapshots.enumerated() {
      rows.add(index == 0 ? "snapshots" : nil, self.snapshot(snapshot))
    }
    let hidden = qcow2.snapshotCount - qcow2.snapshots.count
    if hidden > 0 { rows.add(nil, "and \(Quantity.grouped(UInt64(hidden))) more") }
  }

  private func external(_ file: InfoReport.ExternalFile) -> String {
    let format = file.format.map { ", format \(visible($0))" } ?? ""
    return "\(file.name.quoted)\(format) (not opened)"
  }

  private func snapshot(_ snapshot: InfoReport.Snapshot) -> String {
    let size = snapshot.virtualSize ?? image.virtualSize ?? 0
    let state =
      snapshot.machineStateSize == 0
      ? "" : ", machine state \(Quantity.bytes(snapshot.machineStateSize))"
    return """
      id \(visible(snapshot.id)) \(snapshot.name.quoted), disk \(Quantity.bytes(size))\(state), \
      \(time(snapshot.takenAt))
      """
  }

  private func time(_ seconds: UInt64) -> String {
    var (clock, parts) = (time_t(seconds), tm())
    gmtime_r(&clock, &parts)
    func two(_ number: CInt) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let day = "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    return "\(day) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) UTC"
  }

  private func add(_ store: InfoReport.HashStore, to rows: inout TextRows) {
    rows.add("hash store", state(of: store))
    guard let order = store.order, let room = store.entriesPerIncarnation else { return }
    let limit = store.maxIncarnations == 0 ? "no limit" : "at most \(store.maxIncarnations ?? 0)"
    let count = UInt64(store.incarnationCount)
    rows.add(
      nil,
      """
      \(Quantity.count(count, "incarnation")) (\(limit)) of order \(order) \
      with room for \(Quantity.count(room, "entry", "entries")) each
      """)
    rows.add(
      nil,
      """
      \(Quantity.count(store.usedEntries, "entry", "entries")) in all, \
      \(Quantity.grouped(UInt64(store.limboCount))) in limbo, \
      \(Quantity.bytes(store.bytesOnDisk))
      """)
  }

  private func state(of store: InfoReport.HashStore) -> String {
    switch store.state {
    case .valid: "valid (its incarnations are checked by qdedup check)"
    case .stale: "stale, not to be used: \(store.problem ?? "")"
    case .damaged: "damaged: \(store.problem ?? "")"
    }
  }

  /// Text from the image, in quotes unless it is plain: letters, digits, spaces and -_. only.
  private func visible(_ text: String) -> String {
    let isPlain = text.unicodeScalars.allSatisfy {
      $0.isASCII
        && ($0.properties.isAlphabetic || (0x30...0x39).contains($0.value)
          || " -_.".unicodeScalars.contains($0))
    }
    return isPlain && !text.isEmpty ? text : text.quoted
  }
}
