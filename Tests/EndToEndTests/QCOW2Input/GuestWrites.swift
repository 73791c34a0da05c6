import SystemPackage
import TestSupport

/// Commands for `qemu-io`, as a guest may give them.
enum GuestWrites {
  /// Writes, zeroes and discards of sectors, in a seeded order.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - size: The disk's size in bytes.
  ///   - seed: Other seeds give other commands.
  /// - Returns: The commands.
  static func random(count: Int, size: Int, seed: UInt64) -> [String] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in
      let longest: UInt64 = random.next() % 3 == 0 ? 400 : 12
      let sectors = min(Int(1 + random.next() % longest), size / 2048)
      let offset = Int(random.next() % UInt64(size / 512 - sectors)) * 512
      let place = "\(offset) \(sectors * 512)"
      switch random.next() % 6 {
      case 0: return "write -z \(place)"
      case 1: return "write -z -u \(place)"
      case 2: return "discard \(place)"
      case let pattern: return "write -P \(pattern * 40 + random.next() % 40) \(place)"
      }
    }
  }
}

extension QemuImage {
  /// Runs `qemu-io` with these commands, from its standard input.
  func performAll(_ commands: [String]) throws {
    let script = commands.joined(separator: "\n") + "\n"
    let folder = try TemporaryDirectory()
    var command = Command("qemu-io", ["-d", "unmap", "-f", format, path.string])
    command.input = .file(try folder.make("commands", Array(script.utf8)))
    let result = try withExtendedLifetime(folder) { try command.run().expectingExit(0) }
    guard !result.output.contains("failed") && result.errors.isEmpty else {
      throw TestSupportError("a qemu-io command failed:\n\(result)")
    }
  }
}
