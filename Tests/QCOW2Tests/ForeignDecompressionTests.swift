import QCOW2
import SystemPackage
import Testing
import TestSupport

/// Other programs restore what is compressed here.
@Suite struct ForeignDecompressionTests {
  /// Whether the system has a program that knows this option.
  private static func has(_ program: String, _ option: String) -> Bool {
    (try? Command(program, [option]).run().exitCode) == 0
  }

  @Test(
    "Python restores raw deflate data with a window of 4 KiB, in pieces of 16 KiB or any size",
    .enabled(if: has("python3", "--version"), "needs python3"),
    arguments: [512, 4096, 16_384, 65_536])
  func python(size: Int) throws {
    let script = """
      import sys, zlib
      piece = int(sys.argv[1])
      for index in range(int(sys.argv[3])):
          name = f'{sys.argv[2]}/{index}.'
          data, cluster = open(name + 'data', 'rb').read(), b''
          inflater = zlib.decompressobj(-12)
          while data:
              cluster += inflater.decompress(data, piece)
              data = inflater.unconsumed_tail
          cluster += inflater.flush(piece)
          same = cluster == open(name + 'cluster', 'rb').read()
          if not same or not inflater.eof or inflater.unused_data:
              sys.exit(name)
      """
    // So little that only the window is left, but for clusters that readers take in one piece.
    let piece = "\(Decompression.piece(ofClusterBytes: size))"
    let scratch = try TemporaryDirectory()
    var names: [String] = []
    for compression in Compression.levels(of: .zlib) {
      for content in ClusterContent.allCases {
        let cluster = content.bytes(count: size, seed: 5)
        _ = try scratch.make("\(names.count).data", try compression.compressed(cluster))
        _ = try scratch.make("\(names.count).cluster", cluster)
        names.append("\(content), level \(compression.level ?? 0)")
      }
    }
    let arguments = ["-c", script, piece, scratch.path.string, "\(names.count)"]
    let result = try Command("python3", arguments).run()
    #expect(result.exitCode == 0, "of \(names): \(result)")
  }

  @Test(
    "The zstd program restores zstd data",
    .enabled(if: has("zstd", "--version"), "needs the program zstd"),
    arguments: [512, 65_536])
  func zstd(size: Int) throws {
    let scratch = try TemporaryDirectory()
    let restored = scratch.file("restored")
    for compression in Compression.levels(of: .zstd) {
      for content in ClusterContent.allCases {
        let cluster = content.bytes(count: size, seed: 6)
        let data = try scratch.make("data", try compression.compressed(cluster))
        let result = try Command("zstd", ["-dqf", data.string, "-o", restored.string]).run()
        #expect(result.exitCode == 0, "\(content), level \(compression.level ?? 0): \(result)")
        #expect(try TemporaryDirectory.content(of: restored) == cluster)
      }
    }
  }
}
