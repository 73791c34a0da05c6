import SystemPackage
import TestSupport
import Testing

/// A place that cannot take the whole output.
@Suite struct FullDiskTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws {
    workspace = try Workspace()
    try RawImage.write(RawImage.noise(count: 24 << 20, seed: 111), to: workspace.input)
  }

  @Test(
    "A limit on the size of files ends in a message and leaves nothing",
    arguments: [[], ["--no-hash-store"], ["--force"]])
  func limitOnSizeOfFilesEndsInMessageAndLeavesNothing(
    options: [String]
  ) throws {
    let conversion = try workspace.conversion(options)
    let result = try Command.shell(
      "ulimit -f 4000; exec \"$@\"", [conversion.program] + conversion.arguments
    ).run()
    try expectRefusal(result, naming: output.string, "file too large", leaving: workspace)
  }

  /// Each batch repeats clusters of a batch shortly before it: in a compressed image one that is
  /// still in flight, so that other threads compare with it while the one that failed lets go of it;
  /// in a plain one, others wait until its clusters are written.
  @Test(
    "A failure while others compare is an error each time",
    arguments: [[], ["-c", "--compression-type", "zstd", "--compression-level", "1"]])
  func failureWhileOthersCompareIsErrorEachTime(options: [String]) throws {
    let (noise, batch) = (RawImage.noise(count: 13 << 20, seed: 112), 128 << 10)
    var bytes: [UInt8] = []
    for index in 0..<100 {
      bytes += noise[index * batch..<(index + 1) * batch]
      let earlier = max(0, index - 7)
      bytes += noise[earlier * batch..<(earlier + 1) * batch]
    }
    try RawImage.write(bytes, to: input)
    let conversion = try workspace.conversion(
      options + ["--cluster-size", "512", "--threads", "3"])
    for limit in stride(from: 200, to: 12_000, by: 600) {
      let result = try Command.shell(
        "ulimit -f \(limit); exec \"$@\"", [conversion.program] + conversion.arguments
      ).run()
      #expect(result.exitCode == 1, "limit \(limit): \(result)")
    }
    #expect(try workspace.outputNames() == [])
  }

  /// Mounts a file system of 6 MiB that only its own shell sees, and converts into it.
  private static func script(_ options: String) -> String {
    """
    mount -t tmpfs -o size=6m tmpfs "$3" || exit 99
    printf old >"$3/old.qcow2"
    "$1" convert \(options) "$2" "$4"
    code=$?
    ls -A "$3"
    cat "$3/old.qcow2"
    exit $code
    """
  }

  /// `unshare` with the options that let this user mount, or nil where no options do.
  static let unshare: [String]? = [["-m"], ["-rm"]].first { options in
    let mount = ["sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return (try? Command("unshare", options + mount).run().exitCode) == 0
  }

  private func convertIntoFullDisk(_ options: String, name: String) throws -> CommandResult {
    let place = try workspace.folder.makeDirectory("full")
    let arguments = [
      "sh", "-c", Self.script(options), "sh", try BuiltProgram.qdedup().string, input.string,
      place.string, place.appending(name).string,
    ]
    return try Command("unshare", try #require(Self.unshare) + arguments).run()
  }

  @Test(
    "A full disk ends in a message and leaves nothing",
    .enabled(if: unshare != nil, "needs a mount namespace: root or user namespaces"))
  func fullDiskEndsInMessageAndLeavesNothing() throws {
    let result = try convertIntoFullDisk("", name: "out.qcow2")
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.errors.contains("out.qcow2"))
    #expect(result.errors.lowercased().contains("no space left"), "\(result)")
    #expect(result.output == "old.qcow2\nold")
  }

  @Test(
    "A full disk leaves an old output as it was",
    .enabled(if: unshare != nil, "needs a mount namespace: root or user namespaces"))
  func fullDiskLeavesOldOutputAsItIs() throws {
    let result = try convertIntoFullDisk("--force", name: "old.qcow2")
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output == "old.qcow2\nold")
  }
}
