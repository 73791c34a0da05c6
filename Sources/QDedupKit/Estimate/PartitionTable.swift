internal import DiskIO
internal import DiskImage

/// Where the partitions of a disk begin: what its GPT says, or else its MBR.
///
/// Equal files in two partitions can share clusters only if both partitions begin at the same place
/// within a cluster; that is what this is read for. Sectors of 512 bytes, and of 4,096 for a GPT that
/// was written for such. Extended partitions are named as one. Whatever is damaged or odd is taken
/// for no partition: an estimate needs none.
struct PartitionTable {
  /// The first bytes of the partitions, in the order of the table; at most 128.
  let starts: [UInt64]

  /// Reads the tables of a disk; no partitions if there are none, or they cannot be read.
  init(of image: any ImageSource) {
    starts = Self.gpt(image, sector: 512) ?? Self.gpt(image, sector: 4096) ?? Self.mbr(image)
  }

  /// The smallest power of two that all starts are multiples of; nil without partitions.
  var alignment: UInt64? {
    starts.map { UInt64(1) << UInt64($0.trailingZeroBitCount) }.min()
  }

  /// The entries of a GPT (UEFI specification, 5.3): the header is in sector 1 and says at 72 in
  /// which sector the entries begin, at 80 how many there are, at 84 how large they are. An entry has
  /// its type at 0, zeros if it is free, and its first sector at 32. All numbers are little-endian.
  private static func gpt(_ image: any ImageSource, sector: UInt64) -> [UInt64]? {
    guard let header = read(image, at: sector, count: 512),
      header.starts(with: Array("EFI PART".utf8))
    else { return nil }
    let (count, size) = (number(header, 80, 4), number(header, 84, 4))
    let (first, overflow) = number(header, 72, 8).multipliedReportingOverflow(by: sector)
    guard !overflow, (128...4096).contains(size), size % 128 == 0, count > 0,
      let entries = read(image, at: first, count: Int(min(count, 128) * size))
    else { return nil }
    return stride(from: 0, to: entries.count, by: Int(size)).compactMap { entry in
      guard entries[entry..<entry + 16].contains(where: { $0 != 0 }) else { return nil }
      return start(number(entries, entry + 32, 8), sector, image)
    }
  }

  /// The four entries of an MBR: 16 bytes each from 446 on, the type at 4, the first sector at 8; the
  /// sector ends with 0x55 0xAA. A boot sector of a file system ends so too, so each entry must
  /// begin with 0x00 or 0x80.
  private static func mbr(_ image: any ImageSource) -> [UInt64] {
    guard let sector = read(image, at: 0, count: 512), sector[510] == 0x55, sector[511] == 0xAA
    else { return [] }
    let entries = (0..<4).map { 446 + 16 * $0 }
    guard entries.allSatisfy({ sector[$0] & 0x7F == 0 }) else { return [] }
    return entries.compactMap { entry in
      sector[entry + 4] == 0 ? nil : start(number(sector, entry + 8, 4), 512, image)
    }
  }

  private static func start(
    _ sector: UInt64, _ size: UInt64, _ image: any ImageSource
  ) -> UInt64? {
    let (bytes, overflow) = sector.multipliedReportingOverflow(by: size)
    return overflow || bytes == 0 || bytes >= image.virtualSize ? nil : bytes
  }

  private static func read(_ image: any ImageSource, at offset: UInt64, count: Int) -> [UInt8]? {
    guard offset <= image.virtualSize, UInt64(count) <= image.virtualSize - offset,
      let buffer = try? AlignedBuffer(byteCount: count, purpose: "a partition table"),
      (try? image.read(into: buffer.bytes, at: GuestOffset(offset))) != nil
    else { return nil }
    return Array(buffer.bytes)
  }

  private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> UInt64 {
    bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
