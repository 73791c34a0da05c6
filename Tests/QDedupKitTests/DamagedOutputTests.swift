import DiskImage
import Foundation
import QDedupKit
import SystemPackage
import TestSupport
import Testing

/// `verifies` finds what a disk did to the complete output.
@Suite struct DamagedOutputTests {
  /// A write that was lost, or that changed a byte.
  struct Damage: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: @Sendable (inout [UInt8]) -> Void

    /// Flips bits of the byte that `place` finds.
    static func flip(
      _ name: String, _ mask: UInt8, at place: @escaping @Sendable ([UInt8]) -> Int
    ) -> Damage {
      Damage(testDescription: name) { $0[place($0)] ^= mask }
    }

    /// Loses what was written to a cluster.
    static func lose(
      _ name: String, at place: @escaping @Sendable ([UInt8]) -> Int
    ) -> Damage {
      Damage(testDescription: name) { bytes in
        let start = place(bytes)
        for index in start..<min(start + 4096, bytes.count) { bytes[index] = 0 }
      }
    }
  }

  @Sendable private static func word(_ bytes: [UInt8], _ offset: Int) -> Int {
    bytes[offset..<offset + 8].reduce(0) { $0 << 8 | Int($1) }
  }
  @Sendable private static func l1(_ bytes: [UInt8]) -> Int { word(bytes, 40) }
  @Sendable private static func l2(_ bytes: [UInt8]) -> Int {
    word(bytes, l1(bytes)) & 0x00FF_FFFF_FFFF_FE00
  }
  @Sendable private static func refcountTable(_ bytes: [UInt8]) -> Int { word(bytes, 48) }
  @Sendable private static func refcounts(_ bytes: [UInt8]) -> Int {
    word(bytes, refcountTable(bytes))
  }
  /// The header extension of the store: its data.
  @Sendable private static func store(_ bytes: [UInt8]) -> Int {
    var place = 112
    while word(bytes, place) >> 32 & 0xFFFF_FFFF != 0xCD8E_819B {
      place += 8 + ((word(bytes, place) & 0xFFFF_FFFF) + 7) / 8 * 8
    }
    return place + 8
  }
  /// The youngest incarnation: the first of the list after the dump's three counts.
  @Sendable private static func incarnation(_ bytes: [UInt8]) -> Int {
    let dump = word(bytes, store(bytes) + 16)
    return word(bytes, (dump == 0 ? store(bytes) + 40 : dump) + 12)
  }
  /// A used slot of the youngest incarnation, of order 8.
  @Sendable private static func slot(_ bytes: [UInt8]) -> Int {
    var place = incarnation(bytes) + 4096
    while word(bytes, place) == 0 { place += 32 }
    return place
  }

  static let damages: [Damage] = [
    .flip("refcount of a data cluster", 0x01) { refcounts($0) + 2 * 5 + 1 },
    .flip("high byte of a refcount", 0x40) { refcounts($0) + 2 * 3 },
    .lose("refcount block") { refcounts($0) },
    .lose("refcount table") { refcountTable($0) },
    .flip("reserved bit of a refcount table entry", 0x01) { refcountTable($0) + 7 },
    .flip("COPIED in L1", 0x80) { l1($0) },
    .flip("reserved bit in L1", 0x02) { l1($0) + 7 },
    .lose("L1") { l1($0) },
    .flip("COPIED in L2", 0x80) { l2($0) + 8 * 2 },
    .flip("reserved bit in L2", 0x04) { l2($0) + 8 * 2 + 7 },
    .lose("L2") { l2($0) },
    .flip("feature bit of the store", 0x80) { _ in 88 },
    .flip("dirty bit", 0x01) { _ in 79 },
    .flip("checksum of the store's header", 0x10) { store($0) + 33 },
    .flip("dump of the store", 0x10) { store($0) + 40 + 11 },
    .flip("tag of the store", 0x10) { incarnation($0) + (slot($0) - incarnation($0) - 4096) / 16 },
    .lose("filter of the store") { incarnation($0) },
    .flip("digest of an entry", 0x01) { slot($0) + 3 },
    .flip("place of an entry", 0x08) { slot($0) + 23 },
    .lose("table of the store") { slot($0) / 4096 * 4096 },
    .flip("trailer of an incarnation", 0x01) { incarnation($0) + 4096 - 64 + 20 },
  ]

  @Test("Damage to the metadata of the output is found before it gets its name", arguments: damages)
  func metadata(damage: Damage) throws {
    var trial = try Trial(Disks.unique(clusters: 300, clusterSize: 4096))
    trial.options.store.order = 8
    trial.options.output.verifies = true
    _ = try trial.convert()
    try FileManager.default.removeItem(atPath: trial.options.output.path.string)
    trial.tuning.damage = { number in
      let file = FileDescriptor(rawValue: number)
      var bytes = [UInt8](repeating: 0, count: Int((try? file.seek(offset: 0, from: .end)) ?? 0))
      _ = try? bytes.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: 0, into: $0) }
      damage.bytes(&bytes)
      _ = try? file.writeAll(toAbsoluteOffset: 0, bytes)
    }
    let error = try #require(try trial.failingError())
    guard case .outputDamaged = error else {
      Issue.record("\(error)")
      return
    }
    #expect(error.description.contains("verification failed"))
  }

  @Test("Damage to the data of the output is found by comparing it with the input")
  func data() throws {
    var trial = try Trial(Disks.unique(clusters: 300, clusterSize: 4096))
    trial.options.output.verifies = true
    trial.tuning.damage = { number in
      let file = FileDescriptor(rawValue: number)
      var bytes = [UInt8](repeating: 0, count: 4 << 20)
      _ = try? bytes.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: 0, into: $0) }
      let place = Self.word(bytes, Self.l2(bytes)) & 0x00FF_FFFF_FFFF_FE00
      _ = try? file.writeAll(toAbsoluteOffset: Int64(place), [0xFF, 0, 0xFF])
    }
    let error = try #require(try trial.failingError())
    guard case .verificationFailed(let place) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(place.bytes < 3)
  }
}
