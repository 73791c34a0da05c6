import Foundation
import SystemPackage
import TestSupport

/// A conversion with options that a seed chooses, and damage to its output.
struct RandomConversion {
  private var random: SplitMix64

  /// The conversion of a seed; other seeds give other ones.
  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
  }

  /// The seeds to try: a few of them, or as many as `QDEDUP_CHECK_TRIALS` says.
  static func seeds(_ few: Int) -> Range<UInt64> {
    let wanted = ProcessInfo.processInfo.environment["QDEDUP_CHECK_TRIALS"].flatMap { UInt64($0) }
    return 0..<(wanted ?? UInt64(few))
  }

  /// Converts a random disk.
  ///
  /// - Parameter workspace: Where input and output go.
  /// - Returns: The options.
  /// - Throws: `TestSupportError` if the conversion fails.
  mutating func run(in workspace: Workspace) throws -> [String] {
    let disk = RawImage.mixture(
      clusters: [10, 60, 300, 1200].randomElement(using: &random)!, size: 4096, kinds: 20,
      seed: random.next())
    try RawImage.write(
      Array(disk.dropLast(Int.random(in: 0..<8, using: &random) * 512)), to: workspace.input)
    let sizes = ["512", "1K", "4K", "4K", "16K", "64K", "2M"]
    var options = ["--cluster-size", sizes.randomElement(using: &random)!, "--no-sync"]
    if Bool.random(using: &random) {
      options += ["-c", "--compression-type", Bool.random(using: &random) ? "zlib" : "zstd"]
    }
    switch Int.random(in: 0..<6, using: &random) {
    case 0: options += ["--no-hash-store"]
    case 1...3: options += ["--log-store-order", "\(Int.random(in: 1...9, using: &random))"]
    default: break
    }
    if !options.contains("--no-hash-store") { options += ["--hash-store"] }
    if Int.random(in: 0..<3, using: &random) == 0 {
      options += ["--max-incarnations", "\(Int.random(in: 1...6, using: &random))"]
    }
    try workspace.convert(options)
    return options
  }

  /// Changes some bytes of an image, most of them in its tables.
  ///
  /// - Parameter image: The image.
  /// - Returns: Which bytes were changed.
  /// - Throws: An error if the file cannot be read or written.
  mutating func damage(_ image: FilePath) throws -> String {
    var bytes = try RawImage.read(image)
    let areas = Self.areas(of: bytes)
    var places: [Int] = []
    for _ in 0..<[1, 1, 1, 2, 5].randomElement(using: &random)! {
      let area = areas.randomElement(using: &random)!.clamped(to: 0..<bytes.count)
      guard let place = area.randomElement(using: &random) else { continue }
      if Int.random(in: 0..<3, using: &random) > 0 {
        bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      } else {
        bytes[place] = UInt8.random(in: 0...255, using: &random)
      }
      places.append(place)
    }
    let isCut = Int.random(in: 0..<20, using: &random) == 0
    if isCut { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
    try RawImage.write(bytes, to: image)
    return "changed bytes \(places), \(isCut ? "cut to \(bytes.count)" : "not cut")"
  }

  /// Where header, tables and refcount blocks stand, those that matter most several times.
  private static func areas(of bytes: [UInt8]) -> [Range<Int>] {
    func number(_ width: Int, at offset: Int) -> Int {
      guard offset + width <= bytes.count else { return 0 }
      return bytes[offset..<offset + width].reduce(0) { $0 << 8 | Int($1) } & (1 << 56 - 1)
    }
    func area(_ start: Int, _ count: Int) -> Range<Int> { start..<start + count }
    let clusterSize = 1 << number(4, at: 20)
    let clusters = bytes.count / clusterSize + 4
    let (l1, l1Entries) = (number(8, at: 40), number(4, at: 36))
    let refcountTable = number(8, at: 48)
    var areas = [
      0..<112, 112..<min(clusterSize, 600), area(l1, l1Entries * 8), area(refcountTable, 64),
      0..<bytes.count,
    ]
    for index in 0..<min(l1Entries, 8) {
      let table = number(8, at: l1 + index * 8)
      areas.append(area(table, min(clusterSize, clusters * 8)))
    }
    for index in 0..<8 {
      let block = number(8, at: refcountTable + index * 8)
      if block != 0 { areas.append(area(block, min(clusterSize, clusters * 2))) }
    }
    return areas
  }
}
