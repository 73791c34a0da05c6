public import SystemPackage

/// Makes raw images, always the same ones.
public enum RawImage {
  /// Makes a file of `size` bytes that holds nothing but a hole.
  ///
  /// - Parameters:
  ///   - path: The file to make.
  ///   - size: In bytes.
  ///   - islands: Data to write into it: where, and what.
  /// - Throws: `Errno`.
  public static func sparse(
    at path: FilePath, size: Int64, islands: [Int64: [UInt8]] = [:]
  ) throws {
    let file = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .truncate, .closeOnExec],
      permissions: .ownerReadWrite)
    try file.closeAfter {
      try file.resize(to: size)
      for (offset, bytes) in islands {
        try file.writeAll(toAbsoluteOffset: offset, bytes)
      }
    }
  }

  /// Makes a file of these bytes.
  public static func write(_ bytes: [UInt8], to path: FilePath) throws {
    try sparse(at: path, size: Int64(bytes.count), islands: [0: bytes])
  }

  /// Makes a file of `count` bytes that really stand there and are all `byte`.
  public static func equal(at path: FilePath, count: Int, byte: UInt8, hole: Int = 0) throws {
    let file = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .truncate, .closeOnExec],
      permissions: .ownerReadWrite)
    try file.closeAfter {
      try file.seek(offset: Int64(hole), from: .start)
      let piece = [UInt8](repeating: byte, count: 1 << 20)
      var rest = count
      while rest > 0 {
        rest -= try file.writeAll(piece.prefix(rest))
      }
    }
  }

  /// Bytes that no method can shrink.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - seed: Other seeds give other bytes.
  /// - Returns: The bytes; the same ones for the same seed.
  public static func noise(count: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      let bytes = UnsafeMutableRawBufferPointer(buffer)
      var offset = 0
      while offset + 8 <= count {
        bytes.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
        offset += 8
      }
      withUnsafeBytes(of: random.next()) { last in
        for index in 0..<(count - offset) { bytes[offset + index] = last[index] }
      }
      initialized = count
    }
  }

  /// Clusters of three kinds in a seeded order: zeros, repeated ones and ones that stand alone.
  ///
  /// - Parameters:
  ///   - clusters: How many.
  ///   - size: The size of one in bytes, a multiple of 8.
  ///   - kinds: How many different repeated clusters there are to choose from.
  ///   - seed: Other seeds give another image.
  /// - Returns: The bytes of the image.
  public static func mixture(clusters: Int, size: Int, kinds: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(clusters * size)
    for index in 0..<clusters {
      switch random.next() % 4 {
      case 0: bytes.append(contentsOf: repeatElement(0, count: size))
      case 1: bytes += noise(count: size, seed: seed &+ UInt64(index) &+ 1 << 32)
      default: bytes += noise(count: size, seed: random.next() % UInt64(kinds))
      }
    }
    return bytes
  }

  /// The bytes of a file.
  public static func read(_ path: FilePath) throws -> [UInt8] {
    let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
    return try file.closeAfter { try ChildProcess.content(of: file) }
  }

  /// The size of a file in bytes, whatever its kind.
  public static func size(of path: FilePath) throws -> Int64 {
    let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
    return try file.closeAfter { try file.seek(offset: 0, from: .end) }
  }
}
