import SystemPackage
import TestSupport

/// A disk that writes something else than it is asked to, or fails to read, for one program: a library
/// loaded before it (`LD_PRELOAD`) is between it and the system.
struct FaultyDisk {
  private let library: FilePath

  /// Compiles the library into a folder.
  init(in folder: TemporaryDirectory) throws {
    library = try PreloadedLibrary.make("faulty", Self.source, in: folder)
  }

  /// The command, for which every write to the byte `offset` of any file flips `mask` in it.
  func flipping(_ mask: UInt8, at offset: UInt64, _ command: Command) -> Command {
    var command = command
    command.environment["LD_PRELOAD"] = library.string
    command.environment["FAULTY_FLIP"] = "\(offset):\(mask)"
    return command
  }

  /// The command, for which the first `count` reads that begin at the byte `offset` of any file fail.
  func failingReads(_ count: Int, at offset: UInt64, _ command: Command) -> Command {
    var command = command
    command.environment["LD_PRELOAD"] = library.string
    command.environment["FAULTY_READ"] = "\(offset):\(count)"
    return command
  }

  private static let source = #"""
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <errno.h>
    #include <stdatomic.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/uio.h>
    #include <unistd.h>

    static long long flip_at = -1, fail_at = -1;
    static int flip_mask;
    static atomic_int failures;

    __attribute__((constructor)) static void begin(void) {
      int count = 0;
      const char *text = getenv("FAULTY_FLIP");
      if (text) sscanf(text, "%lld:%d", &flip_at, &flip_mask);
      text = getenv("FAULTY_READ");
      if (text) sscanf(text, "%lld:%d", &fail_at, &count);
      failures = count;
    }

    ssize_t pread(int fd, void *to, size_t size, off_t at) {
      static ssize_t (*real)(int, void *, size_t, off_t);
      if (!real) real = (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");
      if (at == fail_at && atomic_fetch_sub(&failures, 1) > 0) { errno = EIO; return -1; }
      return real(fd, to, size, at);
    }
    ssize_t pread64(int fd, void *to, size_t size, off_t at) { return pread(fd, to, size, at); }

    ssize_t pwrite(int fd, const void *from, size_t size, off_t at) {
      static ssize_t (*real)(int, const void *, size_t, off_t);
      if (!real) real = (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
      if (flip_at < at || flip_at >= at + (long long)size) return real(fd, from, size, at);
      unsigned char *copy = malloc(size);
      memcpy(copy, from, size);
      copy[flip_at - at] ^= flip_mask;
      ssize_t done = real(fd, copy, size, at);
      free(copy);
      return done;
    }
    ssize_t pwrite64(int fd, const void *from, size_t size, off_t at) {
      return pwrite(fd, from, size, at);
    }
    """#
}
