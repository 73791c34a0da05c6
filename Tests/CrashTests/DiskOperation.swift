import TestSupport

/// One change of a file as the system was asked for it.
enum DiskOperation: Equatable {
  case write(at: Int, [UInt8])
  case punchHole(at: Int, byteCount: Int)
  case truncate(to: Int)
  case sync

  /// What a disk writes whole or not at all.
  static let sectorSize = 512

  /// The operations of a record: a letter, two numbers of 8 bytes, and the bytes of a write.
  static func parse(_ record: [UInt8]) throws -> [DiskOperation] {
    var operations: [DiskOperation] = []
    var next = 0
    while next < record.count {
      let kind = record[next]
      let (first, second) = record.withUnsafeBytes {
        (
          Int($0.loadUnaligned(fromByteOffset: next + 1, as: Int64.self)),
          Int($0.loadUnaligned(fromByteOffset: next + 9, as: Int64.self))
        )
      }
      next += 17
      switch UnicodeScalar(kind) {
      case "w":
        operations.append(.write(at: first, Array(record[next..<next + second])))
        next += second
      case "p": operations.append(.punchHole(at: first, byteCount: second))
      case "t": operations.append(.truncate(to: first))
      case "s": operations.append(.sync)
      default: throw TestSupportError("a record with the letter \(kind)")
      }
    }
    return operations
  }

  /// How many sectors it has, if they may arrive one by one; 1 for anything else.
  var sectorCount: Int {
    guard case .write(let offset, let bytes) = self, !bytes.isEmpty else { return 1 }
    return (offset + bytes.count - 1) / Self.sectorSize - offset / Self.sectorSize + 1
  }

  /// Does to a file what this does.
  ///
  /// - Parameters:
  ///   - file: The content of the file.
  ///   - sectors: Which of its sectors arrive; nil for all.
  func apply(to file: inout [UInt8], sectors: ((Int) -> Bool)? = nil) {
    switch self {
    case .sync: break
    case .truncate(let size):
      if size <= file.count {
        file.removeLast(file.count - size)
      } else {
        file.append(contentsOf: repeatElement(0, count: size - file.count))
      }
    case .punchHole(let offset, let byteCount):
      let end = min(file.count, offset + byteCount)
      if offset < end {
        file.replaceSubrange(offset..<end, with: repeatElement(0, count: end - offset))
      }
    case .write(let offset, let bytes):
      let end = offset + bytes.count
      if file.count < end { file.append(contentsOf: repeatElement(0, count: end - file.count)) }
      guard let sectors else { return file.replaceSubrange(offset..<end, with: bytes) }
      var place = offset
      while place < end {
        let next = min(end, (place / Self.sectorSize + 1) * Self.sectorSize)
        if sectors(place / Self.sectorSize - offset / Self.sectorSize) {
          file.replaceSubrange(place..<next, with: bytes[place - offset..<next - offset])
        }
        place = next
      }
    }
  }
}
