import SystemPackage
import TestSupport
import Testing

/// A program that reads qcow2 and shares no code with QEMU.
enum ForeignReader: String, CaseIterable, CustomTestStringConvertible, Sendable {
  case sevenZip = "7-Zip"
  case libqcow
  case dissect = "dissect.hypervisor"

  /// Those that are on this machine.
  static let here = allCases.filter(\.isHere)

  var testDescription: String { rawValue }

  /// Whether it reads clusters that zstd compressed.
  var readsZstd: Bool { self == .dissect }

  /// The largest clusters, in bytes, that it restores when matches of deflate reach back farther than
  /// 4 KiB. Python, which dissect.hypervisor uses, takes out 32 KiB at a time, and 16 KiB in versions
  /// before 3.10.
  var largestWideCluster: Int { self == .dissect ? 16 << 10 : 2 << 20 }

  /// The disk that an image shows.
  ///
  /// - Throws: `TestSupportError` if the reader fails, with what it says.
  func content(of image: FilePath) throws -> [UInt8] {
    try read(image).expectingExit(0).standardOutput
  }

  /// Runs the reader on an image: the disk comes on standard output.
  func read(_ image: FilePath) throws -> CommandResult {
    switch self {
    case .sevenZip: try Command("7zz", ["e", "-so", "-tQCOW", image.string]).run()
    case .libqcow: try python(Self.libqcowScript, [image.string]).run()
    case .dissect: try python(Self.dissectScript, [image.string]).run()
    }
  }

  private var isHere: Bool {
    let command =
      switch self {
      case .sevenZip: Command("7zz", ["i"])
      case .libqcow: python("import pyqcow")
      case .dissect: python("import dissect.hypervisor.disk.qcow2, backports.zstd")
      }
    return (try? command.run())?.exitCode == 0
  }

  /// Debian's Python for Debian's package; for the one of PyPI that of the folder which
  /// `.ci/install-packages` makes.
  private func python(_ script: String, _ arguments: [String] = []) -> Command {
    Command(self == .dissect ? Self.pypi : "/usr/bin/python3", ["-c", script] + arguments)
  }

  /// The Python that has packages of PyPI.
  private static let pypi: String = {
    var root = FilePath(#filePath)
    for _ in 0..<4 { root.removeLastComponent() }
    return root.appending(".build/readers/bin/python").string
  }()

  /// What OpenStack's inspector takes an image for; nil if it is not on this machine.
  ///
  /// - Throws: `TestSupportError` if it refuses the image, with what it says.
  static func inspected(_ image: FilePath) throws -> String? {
    guard (try? Command(pypi, ["-c", "import oslo_utils.imageutils"]).run())?.exitCode == 0
    else { return nil }
    let script = """
      import sys
      from oslo_utils.imageutils import format_inspector
      print(format_inspector.detect_file_format(sys.argv[1]))
      """
    let output = try Command(pypi, ["-c", script, image.string]).run().expectingExit(0).output
    return String(output.prefix { $0 != "\n" })
  }

  private static let libqcowScript = """
    import sys, pyqcow
    image = pyqcow.file()
    image.open(sys.argv[1])
    offset, size = 0, image.get_media_size()
    while offset < size:
        data = image.read_buffer_at_offset(min(1 << 20, size - offset), offset)
        sys.stdout.buffer.write(data)
        offset += len(data)
    """

  private static let dissectScript = """
    import sys
    from pathlib import Path
    from dissect.hypervisor.disk.qcow2 import QCow2
    image = QCow2(Path(sys.argv[1]))
    disk, rest = image.open(), image.size
    while rest > 0:
        data = disk.read(min(1 << 20, rest))
        sys.stdout.buffer.write(data)
        rest -= len(data)
    """
}
