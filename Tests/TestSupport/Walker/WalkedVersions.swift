/// All disks of a file with versions, read byte by byte with none of the program's code: what each
/// holds, what each cluster is used for, and what is wrong.
///
/// The rules come from QEMU's `docs/interop/qcow2.rst`.
public struct WalkedVersions {
  /// The content of each version by its name, and of the image's own disk under the name "":
  /// `contentDigest` of its bytes.
  public private(set) var disks: [String: UInt64] = [:]
  /// Everything that is wrong; nothing in a sound file.
  public private(set) var problems: [String] = []
  /// How often each cluster of the file is referred to.
  public private(set) var references: [UInt64] = []

  private let bytes: [UInt8]
  private let clusterSize: Int
  private let isZstandard: Bool
  private var contents: [UInt64: UInt64] = [:]

  /// Walks through all tables.
  ///
  /// - Parameter bytes: The file.
  /// - Throws: `TestSupportError` if it has no header.
  public init(_ bytes: [UInt8]) throws {
    guard bytes.count >= 112, bytes.number(8, at: 0) == 0x5146_49fb_0000_0003 else {
      throw TestSupportError("no qcow2 header of version 3")
    }
    self.bytes = bytes
    clusterSize = 1 << Int(bytes.number(4, at: 20))
    isZstandard = bytes.number(8, at: 72) & 8 != 0 && bytes[104] == 1
    references = Array(repeating: 0, count: (bytes.count + clusterSize - 1) / clusterSize)
    refer(0, 1, "the header")
    readDisk("", l1: bytes.number(8, at: 40), bytes.number(4, at: 36), bytes.number(8, at: 24))
    readSnapshots(Int(bytes.number(4, at: 60)), at: Int(bytes.number(8, at: 64)))
    compareRefcounts()
  }

  /// A digest of a disk's content: of its clusters that are not all zeros, and their numbers.
  ///
  /// - Parameters:
  ///   - bytes: The content.
  ///   - clusterSize: The size of a cluster.
  /// - Returns: The digest.
  public static func contentDigest(_ bytes: [UInt8], clusterSize: Int) -> UInt64 {
    var parts = [UInt8](bigEndian: UInt64(bytes.count))
    for (index, start) in stride(from: 0, to: bytes.count, by: clusterSize).enumerated() {
      var cluster = Array(bytes[start..<min(start + clusterSize, bytes.count)])
      cluster += repeatElement(0, count: clusterSize - cluster.count)
      guard let digest = digest(cluster) else { continue }
      parts += [UInt8](bigEndian: UInt64(index)) + [UInt8](bigEndian: digest)
    }
    return XXH3Reference.hash64(parts)
  }

  /// A digest of a cluster; nil if it is all zeros.
  private static func digest(_ cluster: [UInt8]) -> UInt64? {
    let isZero = cluster.withUnsafeBytes { bytes in
      bytes.bindMemory(to: UInt64.self).allSatisfy { $0 == 0 }
    }
    return isZero ? nil : XXH3Reference.hash64(cluster)
  }

  private mutating func readSnapshots(_ count: Int, at start: Int) {
    var place = start
    for _ in 0..<count {
      guard place + 64 <= bytes.count else {
        return problems.append("the snapshot table is cut off")
      }
      let (id, name) = (Int(bytes.number(2, at: place + 12)), Int(bytes.number(2, at: place + 14)))
      let extra = Int(bytes.number(4, at: place + 36))
      let end = place + 40 + extra + id + name
      guard end <= bytes.count, extra >= 16 else {
        return problems.append("a snapshot of \(extra) bytes besides, \(id) and \(name)")
      }
      readDisk(
        String(decoding: bytes[end - name..<end], as: UTF8.self), l1: bytes.number(8, at: place),
        bytes.number(4, at: place + 8), bytes.number(8, at: place + 48))
      place = (end + 7) & ~7
    }
    if count > 0 { refer(start, place - start, "the snapshot table") }
  }

  private mutating func readDisk(_ name: String, l1: UInt64, _ entries: UInt64, _ size: UInt64) {
    refer(Int(l1), Int(entries) * 8, "the L1 table of '\(name)'")
    guard l1 + entries * 8 <= bytes.count else { return problems.append("an L1 table is cut off") }
    var parts = [UInt8](bigEndian: size)
    for index in 0..<Int(entries) {
      let entry = bytes.number(8, at: Int(l1) + index * 8)
      let table = Int(entry & 0x00ff_ffff_ffff_fe00)
      guard table != 0 else { continue }
      if name.isEmpty { checkCopied(entry, table, "L1 entry \(index)") }
      refer(table, clusterSize, "L1 entry \(index) of '\(name)'")
      guard table % clusterSize == 0, table + clusterSize <= bytes.count else { continue }
      for slot in 0..<clusterSize / 8 {
        let entry = bytes.number(8, at: table + slot * 8)
        guard entry != 0,
          let digest = readCluster(entry, "slot \(slot) of the table at \(table)", name)
        else { continue }
        parts += [UInt8](bigEndian: UInt64(index * clusterSize / 8 + slot))
        parts += [UInt8](bigEndian: digest)
      }
    }
    let isTwice = !name.isEmpty && disks[name] != nil
    if isTwice { problems.append("two snapshots '\(name)'") }
    disks[name] = XXH3Reference.hash64(parts)
  }

  /// Counts what an L2 entry refers to.
  ///
  /// - Returns: The digest of its cluster; nil for zeros.
  private mutating func readCluster(
    _ entry: UInt64, _ what: String, _ disk: String
  ) -> UInt64? {
    guard entry >> 62 & 1 == 1 else {
      let host = Int(entry & 0x00ff_ffff_ffff_fe00)
      if host != 0 {
        if disk.isEmpty { checkCopied(entry, host, what) }
        refer(host, clusterSize, what)
      }
      guard entry & 1 == 0, host != 0, host + clusterSize <= bytes.count else { return nil }
      return content(entry & ~(1 << 63)) { [bytes, clusterSize] in
        Array(bytes[host..<host + clusterSize])
      }
    }
    let offsetBits = UInt64(62 - (clusterSize.trailingZeroBitCount - 8))
    let descriptor = entry & 0x3fff_ffff_ffff_ffff
    let host = Int(descriptor & (1 << offsetBits - 1))
    let end = (host / 512 + Int(descriptor >> offsetBits) + 1) * 512
    refer(host, end - host, what)
    guard host < bytes.count else { return nil }
    return content(entry & ~(1 << 63)) { [bytes, clusterSize, isZstandard] in
      let data = Array(bytes[host..<min(end, bytes.count)])
      return isZstandard
        ? Decompression.zstandard(data, count: clusterSize)
        : Decompression.deflate(
          data, count: clusterSize, piece: Decompression.piece(ofClusterBytes: clusterSize))
    }
  }

  /// The digest of a cluster, computed once for each place.
  private mutating func content(_ place: UInt64, _ read: () -> [UInt8]?) -> UInt64? {
    if let known = contents[place] { return known == 0 ? nil : known }
    guard let cluster = read() else {
      problems.append("the cluster of the entry \(String(place, radix: 16)) is damaged")
      return nil
    }
    let digest = Self.digest(cluster)
    contents[place] = digest ?? 0
    return digest
  }

  private mutating func refer(_ offset: Int, _ length: Int, _ what: String) {
    guard length > 0 else { return }
    guard (offset + length - 1) / clusterSize < references.count else {
      return problems.append("\(what) leads to byte \(offset) of \(bytes.count)")
    }
    for cluster in offset / clusterSize...(offset + length - 1) / clusterSize {
      references[cluster] += 1
    }
  }

  private func refcount(_ cluster: Int) -> UInt64 {
    let width = 1 << Int(bytes.number(4, at: 96)) / 8
    let (table, perBlock) = (Int(bytes.number(8, at: 48)), clusterSize / width)
    let place = table + cluster / perBlock * 8
    guard cluster / perBlock < Int(bytes.number(4, at: 56)) * clusterSize / 8,
      place + 8 <= bytes.count
    else { return 0 }
    let block = Int(bytes.number(8, at: place))
    guard block != 0, block + clusterSize <= bytes.count else { return 0 }
    return bytes.number(width, at: block + cluster % perBlock * width)
  }

  /// Checks an entry of the image's own disk; in snapshots the flag means nothing.
  private mutating func checkCopied(_ entry: UInt64, _ host: Int, _ what: String) {
    if (entry >> 63 == 1) != (refcount(host / clusterSize) == 1) {
      problems.append("\(what): COPIED is \(entry >> 63), the refcount not so")
    }
  }

  private mutating func compareRefcounts() {
    let (table, size) = (Int(bytes.number(8, at: 48)), Int(bytes.number(4, at: 56)) * clusterSize)
    refer(table, size, "the refcount table")
    for place in stride(from: table, to: min(table + size, bytes.count), by: 8) {
      let block = Int(bytes.number(8, at: place))
      if block != 0 { refer(block, clusterSize, "a refcount block") }
    }
    for cluster in references.indices where references[cluster] != refcount(cluster) {
      problems.append(
        "cluster \(cluster): refcount \(refcount(cluster)), references \(references[cluster])")
    }
  }
}

extension [UInt8] {
  /// A number of 8 bytes.
  fileprivate init(bigEndian number: UInt64) {
    self = Swift.withUnsafeBytes(of: number.bigEndian) { Array($0) }
  }
}
