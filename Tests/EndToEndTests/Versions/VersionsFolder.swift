import SystemPackage
import TestSupport
import Testing

/// A folder with a file of versions, and the disks that went into it.
struct VersionsFolder {
  let folder: TemporaryDirectory
  let file: FilePath
  private(set) var disks: [String: FilePath] = [:]

  init() throws {
    folder = try TemporaryDirectory()
    file = folder.file("versions.qcow2")
  }

  /// Runs `qdedup` with any arguments.
  @discardableResult
  func run(_ arguments: String..., exit code: Int32 = 0) throws -> CommandResult {
    try Command.qdedup(arguments).run().expectingExit(code)
  }

  /// Makes a raw disk of this content, under the name that its version will have.
  mutating func disk(_ name: String, _ bytes: [UInt8]) throws -> String {
    let path = folder.file("\(name).img")
    try RawImage.write(bytes, to: path)
    disks[name] = path
    return path.string
  }

  /// Makes the file, with one version.
  mutating func create(_ name: String, _ bytes: [UInt8], _ options: [String] = []) throws {
    let input = try disk(name, bytes)
    try Command.qdedup(["convert", "-q", "--name", name] + options + [input, file.string]).run()
      .expectingExit(0)
    try expectSound()
  }

  /// Adds a version.
  mutating func add(_ name: String, _ bytes: [UInt8], _ options: [String] = []) throws {
    let input = try disk(name, bytes)
    try Command.qdedup(["add", "-q", "--name", name] + options + [file.string, input]).run()
      .expectingExit(0)
    try expectSound()
  }

  /// Forgets a disk whose version is gone.
  mutating func forget(_ name: String) { disks[name] = nil }

  /// Expects that QEMU and `qdedup check` find nothing wrong, and that every version that should be
  /// there reads back as its disk.
  func expectSound(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let check = try QemuImage(file).checkCounts()
    #expect(check.leaks ?? 0 == 0, sourceLocation: sourceLocation)
    #expect(check.corruptions ?? 0 == 0, sourceLocation: sourceLocation)
    try run("check", file.string)
    for (name, disk) in disks {
      let restored = folder.file("restored.img")
      try run("export", "-q", "--force", "-l", name, file.string, restored.string)
      let comparison = try Command("cmp", [disk.string, restored.string]).run()
      #expect(
        comparison.exitCode == 0, "\(name) does not read back", sourceLocation: sourceLocation)
    }
  }

  /// The list of versions, as JSON prints it.
  func list() throws -> ListedVersions {
    try ListedVersions(json: try run("versions", "--json", file.string).standardOutput)
  }
}
