import SystemPackage
import TestSupport

extension QemuImage {
  /// Makes an empty qcow2 image.
  ///
  /// - Parameters:
  ///   - path: The image.
  ///   - size: The disk in bytes; nil takes that of the backing file.
  ///   - options: What goes after `-o`.
  ///   - arguments: More arguments, such as `-b`.
  /// - Returns: The image.
  /// - Throws: `TestSupportError` if QEMU refuses.
  static func creating(
    _ path: FilePath, size: Int?, options: String? = nil, _ arguments: [String] = []
  ) throws -> QemuImage {
    let options = options.map { ["-o", $0] } ?? []
    let size = size.map { ["\($0)"] } ?? []
    try run(["create", "-q", "-f", "qcow2"] + options + arguments + [path.string] + size)
      .expectingExit(0)
    return QemuImage(path)
  }

  /// The arguments with which QEMU knows the key of encrypted images.
  static let key = ["--object", "secret,id=key,data=open"]

  /// Makes an empty qcow2 image that is encrypted with `key`.
  ///
  /// - Parameters:
  ///   - path: The image.
  ///   - size: The disk in bytes.
  ///   - method: `aes` or `luks`.
  ///   - options: What else goes after `-o`.
  /// - Throws: `TestSupportError` if QEMU refuses.
  static func createEncrypted(
    _ path: FilePath, size: Int, method: String, options: String...
  ) throws {
    var options = ["encrypt.format=\(method)", "encrypt.key-secret=key"] + options
    if method == "luks" { options.append("encrypt.iter-time=10") }
    func create() throws -> CommandResult {
      try run(
        ["create", "-q", "-f", "qcow2", "-o", options.joined(separator: ",")] + key
          + [path.string, "\(size)"])
    }
    var result = try create()
    // On a busy machine QEMU often fails to measure how fast it computes keys.
    for _ in 0..<100 where result.errors.contains("Unable to get accurate CPU usage") {
      result = try create()
    }
    try result.expectingExit(0)
  }

  /// Makes an empty overlay in the folder of its backing file.
  static func overlay(
    _ path: FilePath, over backing: String, format: String, size: Int? = nil,
    options: String? = nil
  ) throws -> QemuImage {
    try creating(path, size: size, options: options, ["-b", backing, "-F", format])
  }

  /// Takes a snapshot.
  func takeSnapshot(_ name: String) throws {
    try Self.run(["snapshot", "-c", name, path.string]).expectingExit(0)
  }

  /// Writes the disk, as QEMU reads it, as a raw image.
  ///
  /// A snapshot is applied to a copy first: `qemu-img convert -l` cuts it to the size of the disk.
  /// It runs in the image's folder, from where QEMU takes the name of a data file.
  func writeRaw(to target: FilePath, snapshot: String? = nil) throws {
    var source = path
    if let snapshot {
      source = FilePath(target.string + ".applied.qcow2")
      try Command("cp", [path.string, source.string]).run().expectingExit(0)
      try Self.run(["snapshot", "-a", snapshot, source.string]).expectingExit(0)
    }
    let folder = path.removingLastComponent().string
    let conversion = ["qemu-img", "convert", "-f", format, "-O", "raw"]
    try Command.shell(
      "cd \"$1\"; shift; exec \"$@\"", [folder] + conversion + [source.string, target.string]
    ).run().expectingExit(0)
  }
}
