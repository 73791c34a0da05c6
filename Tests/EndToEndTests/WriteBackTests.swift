import SystemPackage
import TestSupport
import Testing

/// What is written goes to the disk while more is written, so that the sync at the end is short. A
/// library loaded before the program counts how often it asks the system for that.
@Suite struct WriteBackTests {
  private let folder: TemporaryDirectory
  private let library: FilePath
  private let requests: FilePath
  private let disk: FilePath

  init() throws {
    folder = try TemporaryDirectory()
    library = try PreloadedLibrary.make("write-back", Self.source, in: folder)
    requests = folder.file("requests")
    disk = folder.file("disk.img")
    try RawImage.write(RawImage.noise(count: 40 << 20, seed: 41), to: disk)
  }

  /// How often a command asks.
  private func count(_ arguments: String...) throws -> Int {
    try RawImage.write([], to: requests)
    var command = try Command.qdedup(arguments)
    command.environment["LD_PRELOAD"] = library.string
    command.environment["REQUESTS"] = requests.string
    try command.run().expectingExit(0)
    return try TemporaryDirectory.content(of: requests).count
  }

  @Test("Conversions, additions and exports that sync write to the disk while they go on")
  func requestsOfCommands() throws {
    let image = folder.file("image.qcow2").string
    let versions = folder.file("versions.qcow2").string
    let small = folder.file("small.img")
    try RawImage.write(RawImage.noise(count: 64 << 10, seed: 42), to: small)
    // Each writes 40 MiB, and asks after 16 and 32.
    #expect(try count("convert", "-q", disk.string, image) >= 1)
    #expect(try count("convert", "-q", "--name", "small", small.string, versions) == 0)
    #expect(try count("add", "-q", "--name", "large", versions, disk.string) >= 1)
    let raw = folder.file("raw.img").string
    #expect(try count("export", "-q", image, raw) >= 1)
    #expect(try count("export", "-q", "--no-sync", "--force", image, raw) == 0)
    #expect(try count("convert", "-q", "--no-sync", "--force", disk.string, image) == 0)
    try Command("cmp", [disk.string, raw]).run().expectingExit(0)
  }

  private static let source = #"""
    #define _GNU_SOURCE
    #include <fcntl.h>
    #include <stdlib.h>
    #include <sys/syscall.h>
    #include <sys/uio.h>
    #include <unistd.h>

    ssize_t pwrite(int fd, const void *from, size_t size, off_t at) {
      return syscall(SYS_pwrite64, fd, from, size, at);
    }
    ssize_t pwrite64(int fd, const void *from, size_t size, off_t at) {
      return pwrite(fd, from, size, at);
    }

    int sync_file_range(int fd, off_t at, off_t count, unsigned flags) {
      int log = open(getenv("REQUESTS"), O_WRONLY | O_APPEND);
      if (log < 0 || write(log, "r", 1) != 1) abort();
      close(log);
      return 0;
    }
    """#
}
