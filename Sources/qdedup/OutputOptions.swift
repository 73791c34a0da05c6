import ArgumentParser
import DiskImage
import QCOW2

/// What the output is like and how it is made.
struct OutputOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      The size of a cluster: a power of two from 512 to 2M, or auto. (default: auto with -c, 4K \
      without it and with --name)
      """,
      discussion: """
        Small clusters find more duplicates; large ones need less metadata, and are faster to read \
        when they are compressed. With auto, the input is read once more beforehand, and the largest \
        size from 4K to 128K is taken whose predicted file is at most 5 % above the smallest (see \
        qdedup estimate); a pipe, which cannot be read twice, gets 4K. Every size is a number of \
        bytes, or one with K, M, G or T (or KiB, MiB, GiB, TiB): powers of 1024.
        """,
      valueName: "size"), transform: ClusterSizeArgument.parse)
  var clusterSize: ClusterSizeArgument?

  @Flag(
    name: [.short, .long],
    help: "Compress every cluster: the smallest image, and one that stays clean when written to.")
  var compress = false

  @Option(
    help: ArgumentHelp(
      "The compression: zlib is known to more readers, zstd is much faster (QEMU 5.1).",
      valueName: "type"))
  var compressionType: CompressionType?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      The effort: 1 to 9 with zlib, 1 to \(Compression.Method.zstd.levels.upperBound) with zstd. \
      (default: 3 with zstd; 6 with zlib, but 2 in clusters of 16K, and in larger ones if --deflate-window \
      is 32K, which on root file systems is still smaller than QEMU's 6)
      """,
      valueName: "n"))
  var compressionLevel: Int?

  @Option(
    help: ArgumentHelp(
      """
      How far back zlib may reach in clusters of 32K and more: 4K is read by everything; 32K is \
      smaller and two to four times as fast, and read by QEMU, 7-Zip and libqcow, but not by readers \
      that restore a cluster in pieces. (default: 4K)
      """, valueName: "size"))
  var deflateWindow: DeflateWindow?

  @Flag(help: "Read the output back and compare it with the input before it gets its name.")
  var verify = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of threads, 1 to \(ThreadCount.range.upperBound). (default: the processors)"))
  var threads = ThreadCount.standard

  @Flag(
    help: """
      Replace the output if it exists, in one step at the end; through a symbolic link, the file \
      that it leads to. A --report-file may then replace any file.
      """)
  var force = false

  @Flag(help: "Do not wait until the output is on the disk.")
  var noSync = false

  func validate() throws {
    guard compress || (compressionType == nil && compressionLevel == nil) else {
      throw ValidationError(
        "--compression-type and --compression-level need --compress (-c).")
    }
    if deflateWindow != nil, !compress || method != .zlib {
      throw ValidationError("--deflate-window needs --compress (-c) by zlib.")
    }
    if compression == nil, compress {
      let levels = method.levels
      throw ValidationError(
        "\(method.rawValue) has no compression level \(compressionLevel ?? 0): use \(levels.lowerBound) to \(levels.upperBound)."
      )
    }
  }

  /// The size that was asked for, or else the usual one. A compressed image is slow to make and slow
  /// to read in small clusters, so its content decides. A plain one is made at the speed of reading,
  /// which reading twice would double. What versions share with others that come later, the first
  /// one does not tell, and small clusters share most.
  func clusters(ofVersions hasVersions: Bool) -> ClusterSizeArgument {
    clusterSize ?? (compress && !hasVersions ? .automatic : .fixed(ClusterSizeArgument.standard))
  }

  /// How clusters are compressed; nil for not at all.
  var compression: Compression? {
    guard compress else { return nil }
    return Compression(
      method, level: compressionLevel, deflateWindow: (deflateWindow ?? .standard).window)
  }

  private var method: Compression.Method { (compressionType ?? .zlib).method }
}

/// The methods that `--compression-type` takes.
enum CompressionType: String, ExpressibleByArgument, CaseIterable {
  case zlib, zstd

  var method: Compression.Method { self == .zlib ? .zlib : .zstd }
}

/// The windows that `--deflate-window` takes.
enum DeflateWindow: String, ExpressibleByArgument, CaseIterable {
  case standard = "4K"
  case largest = "32K"

  var window: Compression.DeflateWindow { self == .standard ? .standard : .largest }
}
