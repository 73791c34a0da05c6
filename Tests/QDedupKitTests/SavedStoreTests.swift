import DedupStore
import DiskIO
import DiskImage
import Foundation
import QCOW2
import QDedupKit
import SystemPackage
import Testing
import TestSupport

/// Stores that are opened from the images that carry them.
@Suite struct SavedStoreTests {
  private func trial(
    _ disk: [UInt8], clusterSize: Int = 4096, order: Int, max: UInt32 = 0,
    _ method: Compression.Method? = nil
  ) throws -> Trial {
    var trial = try Trial(disk, clusterSize: clusterSize)
    trial.options.store.order = order
    trial.options.store.maxIncarnations = max
    trial.options.output.compression = method.flatMap { Compression($0) }
    return trial
  }

  @Test(
    "S27 S28: every cluster of the image is found, no other is, and a hit names its bytes",
    arguments: [(6, 4096), (4, 512), (1, 512), (14, 4096)], [nil, Compression.Method.zlib, .zstd])
  func findsAll(store: (order: Int, clusterSize: Int), method: Compression.Method?) throws {
    let disk = Disks.random(
      clusters: 3000, clusterSize: store.clusterSize, distinct: 900, seed: 71)
    let trial = try trial(
      disk.bytes, clusterSize: store.clusterSize, order: store.order, method)
    let report = try trial.convert()
    let image = try SavedImage(trial)
    // Order 1 has so many incarnations that their list is elsewhere.
    #expect((image.saved.dump?.incarnations.count ?? 0 > 100) == (store.order == 1))
    let clusters = image.clusters(of: disk.bytes)
    let opened = try image.open()
    opened.waitUntilLoaded()
    #expect(opened.openingProblems.isEmpty && opened.incarnationCount > 0)
    #expect(opened.statistics.entries == report.clusters.unique)
    #expect(try image.found(clusters, in: opened) == clusters.count)
    let others = Disks.unique(clusters: 4000, clusterSize: store.clusterSize)
    for digest in image.clusters(of: others).keys where clusters[digest] == nil {
      #expect(try opened.lookup(digest) == nil)
    }
  }

  @Test(
    "S18 S19: what was forgotten is not found, what is known is",
    arguments: [nil, Compression.Method.zlib])
  func findsKnown(method: Compression.Method?) throws {
    let disk = Disks.unique(clusters: 3000, clusterSize: 4096)
    let trial = try trial(disk, order: 6, max: 4, method)
    try #require(try trial.convert().hashStore.limbo > 0)
    let image = try SavedImage(trial)
    let opened = try image.open()
    opened.waitUntilLoaded()
    #expect(opened.incarnationCount == 4 && opened.limboCount > 0)
    let found = try image.found(image.clusters(of: disk), in: opened)
    #expect(found == Int(opened.statistics.entries) && found < 3000)
  }

  @Test("S27 S28: a lookup while filters load finds right bytes or nothing")
  func loading() throws {
    let disk = Disks.unique(clusters: 3000, clusterSize: 512)
    let trial = try trial(disk, clusterSize: 512, order: 4)
    _ = try trial.convert()
    let image = try SavedImage(trial)
    let clusters = image.clusters(of: disk)
    for _ in 0..<5 {
      let opened = try image.open()
      // A hit names right bytes; how many there are is chance.
      _ = try image.found(clusters, in: opened)
      opened.waitUntilLoaded()
      #expect(try image.found(clusters, in: opened) == 3000)
    }
  }

  @Test("S28: an image that is open for reading takes no incarnation", arguments: [true, false])
  func readOnly(hasLimbo: Bool) throws {
    let disk = Disks.unique(clusters: 600, clusterSize: 4096)
    let trial = try trial(disk, order: 5, max: hasLimbo ? 2 : 0)
    _ = try trial.convert()
    let before = try trial.output()
    let opened = try SavedImage(trial).open()
    #expect((opened.limboCount > 0) == hasLimbo)
    try opened.insert(
      StoreEntry(digest: Digest(high: 1, low: 2), physicalSector: 8, firstLogicalSector: 0))
    let error = #expect(throws: StoreError.self) { try opened.finish() }
    let text = try #require(error?.description)
    #expect(text.contains(hasLimbo ? "cannot write" : "it is open for reading only"), "\(text)")
    #expect(try opened.lookup(Digest(high: 1, low: 2)) != nil)
    #expect(try trial.output() == before)
  }

  @Test("A read that is not inside the file is an error with its place")
  func outside() throws {
    let trial = try trial(Disks.unique(clusters: 100, clusterSize: 4096), order: 5)
    _ = try trial.convert()
    let image = try SavedImage(trial)
    let opened = try image.open()
    opened.waitUntilLoaded()
    // The file ends within the table of the oldest incarnation.
    let oldest = try #require(image.saved.dump?.incarnations.last)
    let file = try FileDescriptor.open(trial.options.output.path, .writeOnly)
    try file.closeAfter { try file.resize(to: Int64(oldest.bytes) + 4096 + 100) }
    let errors = image.clusters(of: Disks.unique(clusters: 100, clusterSize: 4096)).keys
      .compactMap { digest -> String? in
        do { return try opened.lookup(digest) == nil ? "a miss" : nil } catch {
          return "\(error)"
        }
      }
    #expect(!errors.isEmpty)
    #expect(
      errors.allSatisfy { $0.hasPrefix("cannot read \(trial.options.output.path) at byte ") },
      "\(errors)")
  }

  /// What makes a store one that may not be trusted.
  enum Damage: CaseIterable {
    case featureBit, dirty, version, checksum, sequences, cut
  }

  @Test("A store that is stale, changed or damaged is not opened", arguments: Damage.allCases)
  func untrusted(damage: Damage) throws {
    let trial = try trial(Disks.unique(clusters: 600, clusterSize: 4096), order: 5)
    _ = try trial.convert()
    var bytes = try trial.output()
    let image = try SavedImage(trial)
    _ = try image.open()
    let header = try #require(image.metadata.extensions.first { $0.type == 0xCD8E_819B }?.data)
    let start = try #require(bytes.firstRange(of: header)?.lowerBound)
    let dump = try #require(image.saved.dump)
    let trailer = Int(dump.incarnations[3].bytes) + 4096 - IncarnationTrailer.byteCount
    let younger = trailer - Int(dump.incarnations[3].bytes) + Int(dump.incarnations[2].bytes)
    switch damage {
    case .featureBit: bytes[88] ^= 0x80
    case .dirty:
      let dirty = StoreHeader(dump: dump, dumpOffset: nil, maxIncarnations: 0, isDirty: true)
      bytes.replaceSubrange(start..<start + dirty.serialized.count, with: dirty.serialized)
    case .version: bytes[start + 3] = 2
    case .checksum: bytes[start + 32] ^= 1
    case .sequences:
      bytes.replaceSubrange(
        trailer..<trailer + IncarnationTrailer.byteCount,
        with: bytes[younger..<younger + IncarnationTrailer.byteCount])
    case .cut: bytes.removeLast(bytes.count - trailer)
    }
    _ = try trial.scratch.make("disk.qcow2", bytes)
    let changed = try SavedImage(trial)
    #expect(try changed.saved.open(in: changed.file) == nil)
    #expect(changed.saved.problem != nil)
  }

  @Test(
    "S28: an incarnation whose trailer is damaged is skipped, the others are used",
    arguments: [0, 40, 16])
  func passedOver(byte: Int) throws {
    let disk = Disks.unique(clusters: 600, clusterSize: 4096)
    let trial = try trial(disk, order: 5)
    _ = try trial.convert()
    var bytes = try trial.output()
    let incarnation = try #require(try SavedImage(trial).saved.dump?.incarnations[3])
    let start = Int(incarnation.bytes) + 4096 - IncarnationTrailer.byteCount
    let range = start..<start + IncarnationTrailer.byteCount
    let trailer = try IncarnationTrailer(parsing: Array(bytes[range]))
    bytes[start + byte] ^= 1
    if byte == 16 {
      // With a right checksum, and a number after which there is none.
      let last = IncarnationTrailer(
        order: trailer.order, sequence: .max, usedEntries: trailer.usedEntries,
        filterChecksum: trailer.filterChecksum, tableChecksum: trailer.tableChecksum)
      bytes.replaceSubrange(range, with: last.serialized)
    }
    _ = try trial.scratch.make("disk.qcow2", bytes)
    let changed = try SavedImage(trial)
    #expect(changed.saved.problem == nil)
    let opened = try changed.open()
    opened.waitUntilLoaded()
    #expect(opened.openingProblems.map(\.offset) == [incarnation])
    let found = try changed.found(changed.clusters(of: disk), in: opened)
    #expect(found == 600 - Int(trailer.usedEntries))
  }

  @Test("What cannot be read of a store is noted, and the image stays readable")
  func unreadable() throws {
    let trial = try trial(Disks.unique(clusters: 600, clusterSize: 4096), order: 5)
    _ = try trial.convert()
    let image = try SavedImage(trial)
    let oldest = try #require(image.saved.dump?.incarnations.last)
    let file = try FileDescriptor.open(trial.options.output.path, .writeOnly)
    try file.closeAfter { try file.resize(to: Int64(oldest.bytes)) }
    // The size is still the one that it had when it was opened.
    let saved = try #require(SavedHashStore(of: image.metadata, in: image.file))
    #expect(saved.problem == nil)
    let opened = try #require(try saved.open(in: image.file))
    opened.waitUntilLoaded()
    let problems = opened.openingProblems
    #expect(problems.count == image.saved.dump?.incarnations.count)
    #expect(
      problems.allSatisfy { "\($0)".contains(": cannot read \(trial.options.output.path) at") })
    // What cannot be read is not damaged: a check says that it is incomplete.
    let checker = try ImageChecker(image.metadata, image.file)
    for comparesData in [false, true] {
      let check = try #require(
        try StoreCheck(image.metadata, image.file, checker, comparesData: comparesData))
      let error = #expect(throws: ImageError.self) { try check.run() }
      #expect(error?.description.hasPrefix("cannot read \(trial.options.output.path) at") ?? false)
    }
  }
}
