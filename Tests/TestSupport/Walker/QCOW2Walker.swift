public import SystemPackage

/// Reads a qcow2 image byte by byte, with none of the program's code, and lists what is wrong.
///
/// It knows images with standard and compressed clusters; snapshots and backing files are problems.
/// The rules come from QEMU's `docs/interop/qcow2.rst`; the hash store's from its own document.
public struct QCOW2Walker {
  /// The header.
  public let header: WalkedHeader
  /// Its extensions, in the order of the file.
  public let extensions: [WalkedExtension]
  /// The entries of the feature name table.
  public let featureNames: [WalkedFeatureName]
  /// How many L2 tables the image has.
  public private(set) var l2Tables: UInt64 = 0
  /// Guest clusters that have a place, in guest order. Empty before `walk`.
  public private(set) var mappings: [Mapping] = []
  /// Reference counts by the number of the host cluster. Empty before `walk`.
  public private(set) var refcounts: [UInt64] = []
  /// How often each host cluster is referred to. Empty before `walk`.
  public private(set) var references: [UInt64] = []
  /// Everything that is wrong; nothing in a sound image.
  public private(set) var problems: [String] = []

  let file: FileBytes

  /// Reads the header and its extensions.
  ///
  /// - Parameter path: The image.
  /// - Throws: `TestSupportError` if it is no qcow2 image that can be walked.
  public init(_ path: FilePath) throws {
    file = try FileBytes(path)
    var found: [String] = []
    header = try WalkedHeader(try file.read(112, at: 0), problems: &found)
    let first = try file.read(Int(header.clusterSize), at: 0)
    extensions = WalkedExtension.all(
      in: first, after: Int(header.length), problems: &found)
    let names = extensions.first { $0.type == WalkedExtension.featureNames }
    featureNames = names.map { WalkedFeatureName.all(in: $0.data, problems: &found) } ?? []
    problems = found
  }

  /// Whether the header has an extension of this type.
  public func hasExtension(_ type: UInt64) -> Bool {
    extensions.contains { $0.type == type }
  }

  /// Walks all tables, counts the references to every host cluster and compares.
  public mutating func walk() throws {
    if header.incompatible & ~8 != 0 { problems.append("incompatible bits \(header.incompatible)") }
    if header.backingNameOffset != 0 || header.snapshots != 0 || header.encryption != 0 {
      problems.append("the header names a backing file, snapshots or encryption")
    }
    try readRefcounts()
    refer(to: 0, length: 1, from: "the header")
    let l1 = try readL1()
    let entries = header.clusterSize / 8
    for (index, entry) in l1.enumerated() where entry != 0 {
      guard let table = place(of: entry, named: "L1 entry \(index)") else { continue }
      refer(to: table, length: 1, from: "L1 entry \(index)")
      try readL2(at: table, firstGuestCluster: UInt64(index) * entries)
    }
    compareCounts()
  }

  /// Reads the L1 table, which must cover the disk and no more.
  private mutating func readL1() throws -> [UInt64] {
    let covered = header.clusterSize * (header.clusterSize / 8)
    let needed = (header.virtualSize + covered - 1) / covered
    if header.l1Entries < needed {
      problems.append("\(header.l1Entries) L1 entries, \(needed) needed")
    }
    refer(to: header.l1Offset, length: header.l1Entries * 8, from: "the L1 table")
    let table = try file.numbers(Int(header.l1Entries), at: header.l1Offset)
    l2Tables = UInt64(table.count { $0 != 0 })
    if table.dropFirst(Int(needed)).contains(where: { $0 != 0 }) {
      problems.append("an L1 entry past the end of the disk is used")
    }
    return table
  }

  /// Reads one L2 table.
  private mutating func readL2(at table: UInt64, firstGuestCluster first: UInt64) throws {
    let guestClusters = (header.virtualSize + header.clusterSize - 1) / header.clusterSize
    let entries = try file.numbers(Int(header.clusterSize / 8), at: table)
    for (index, entry) in entries.enumerated() where entry != 0 {
      let guest = first + UInt64(index)
      let name = "the L2 entry of guest cluster \(guest)"
      if guest >= guestClusters { problems.append("\(name) is past the end of the disk") }
      if entry >> 62 & 1 == 1 {
        readDescriptor(entry, of: guest, named: name)
        continue
      }
      if entry & 1 != 0 { problems.append("\(name) has the zero flag") }
      guard let host = place(of: entry & ~1, named: name) else { continue }
      refer(to: host, length: 1, from: name)
      mappings.append(Mapping(guest: guest, host: host, compressedBytes: 0, entry: host))
    }
  }

  /// Reads the descriptor of a compressed cluster: x bits for the offset, then the sectors.
  private mutating func readDescriptor(_ entry: UInt64, of guest: UInt64, named name: String) {
    let offsetBits = 70 - header.clusterBits
    let descriptor = entry & 0x3fff_ffff_ffff_ffff
    let host = descriptor & (1 << offsetBits - 1)
    let end = (host / 512 + descriptor >> offsetBits + 1) * 512
    if entry >> 63 == 1 { problems.append("\(name) is compressed and has COPIED") }
    guard host >= header.clusterSize, end <= file.count else {
      problems.append("\(name) leads to bytes \(host) to \(end) of \(file.count)")
      return
    }
    refer(to: host, length: end - host, from: name)
    mappings.append(
      Mapping(
        guest: guest, host: host, compressedBytes: end - host, entry: entry & ~(1 << 63)))
  }

  /// The offset in an L1 or L2 entry, if its bits and its COPIED flag are as they must be.
  private mutating func place(of entry: UInt64, named name: String) -> UInt64? {
    let offset = entry & 0x00ff_ffff_ffff_fe00
    if entry & ~(offset | 1 << 63) != 0 {
      problems.append("\(name) has unexpected bits: \(String(entry, radix: 16))")
      return nil
    }
    guard offset % header.clusterSize == 0, offset < file.count else {
      problems.append("\(name) leads to byte \(offset) of \(file.count)")
      return nil
    }
    let refcount = refcounts[Int(offset / header.clusterSize)]
    if (entry >> 63 == 1) != (refcount == 1) {
      problems.append("\(name): COPIED is \(entry >> 63), the refcount is \(refcount)")
    }
    return offset
  }

  /// Counts one reference to each cluster of a range.
  private mutating func refer(to offset: UInt64, length: UInt64, from name: String) {
    guard length > 0 else { return }
    for number in (offset / header.clusterSize)...((offset + length - 1) / header.clusterSize) {
      guard number < references.count else {
        problems.append("\(name) leads out of the file, to byte \(offset)")
        return
      }
      references[Int(number)] += 1
    }
  }

  /// Compares each cluster's reference count with the references that were found.
  private mutating func compareCounts() {
    var wrong = 0
    for (number, found) in references.enumerated() where refcounts[number] != found {
      wrong += 1
      if wrong <= 5 {
        problems.append(
          "host cluster \(number): refcount \(refcounts[number]), references \(found)")
      }
    }
    if wrong > 5 { problems.append("and \(wrong - 5) more wrong refcounts") }
  }

  /// Reads the refcount table and its blocks, and counts the references to them.
  private mutating func readRefcounts() throws {
    let clusters = (file.count + header.clusterSize - 1) / header.clusterSize
    refcounts = [UInt64](repeating: 0, count: Int(clusters))
    references = refcounts
    refer(
      to: header.refcountTableOffset, length: header.refcountTableClusters * header.clusterSize,
      from: "the refcount table")
    let entries = header.refcountTableClusters * header.clusterSize / 8
    let table = try file.numbers(Int(entries), at: header.refcountTableOffset)
    let width = Int(1 << header.refcountOrder) / 8
    guard width > 0 else { throw TestSupportError("refcounts narrower than a byte") }
    let counts = Int(header.clusterSize) / width
    for (index, block) in table.enumerated() where block != 0 {
      guard block % header.clusterSize == 0, block < file.count else {
        problems.append("refcount block \(index) is at byte \(block) of \(file.count)")
        continue
      }
      refer(to: block, length: 1, from: "refcount table entry \(index)")
      let bytes = try cluster(at: block)
      for position in 0..<counts {
        let count = bytes.number(width, at: position * width)
        let number = index * counts + position
        if number < refcounts.count {
          refcounts[number] = count
        } else if count != 0 {
          problems.append("host cluster \(number) is past the end, its refcount is \(count)")
        }
      }
    }
  }
}
