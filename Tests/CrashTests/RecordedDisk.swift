import SystemPackage
import TestSupport

/// What a program does to one file: everything that changes it, in order. A library loaded before the
/// program (`LD_PRELOAD`) is between it and the system. On demand one of the changes fails.
struct RecordedDisk {
  private let library: FilePath

  /// Compiles the library into a folder.
  init(in folder: TemporaryDirectory) throws {
    library = try PreloadedLibrary.make("recorder", Self.source, in: folder)
  }

  /// Runs `qdedup`, which must succeed.
  ///
  /// - Returns: What it did to the file.
  func record(_ arguments: [String], changing file: FilePath) throws -> [DiskOperation] {
    try command(arguments, changing: file, failingAt: nil).run().expectingExit(0)
    return try DiskOperation.parse(try TemporaryDirectory.content(of: log(of: file)))
  }

  /// `qdedup`, for which the operation of a number, counted from 0, fails without having done
  /// anything.
  func command(
    _ arguments: [String], changing file: FilePath, failingAt number: Int?
  ) throws -> Command {
    var command = try Command.qdedup(arguments)
    command.environment["LD_PRELOAD"] = library.string
    command.environment["RECORD_FILE"] = file.string
    command.environment["RECORD_LOG"] = log(of: file).string
    if let number { command.environment["RECORD_FAIL"] = "\(number)" }
    return command
  }

  private func log(of file: FilePath) -> FilePath {
    FilePath(file.string + ".record")
  }

  private static let source = #"""
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <errno.h>
    #include <fcntl.h>
    #include <pthread.h>
    #include <stdint.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/stat.h>
    #include <sys/uio.h>
    #include <unistd.h>

    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct stat file;
    static int record = -1;
    static long long number, failing = -1;

    __attribute__((constructor)) static void begin(void) {
      const char *path = getenv("RECORD_FILE"), *log = getenv("RECORD_LOG");
      if (!path || !log || stat(path, &file) != 0) return;
      record = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
      if (getenv("RECORD_FAIL")) failing = atoll(getenv("RECORD_FAIL"));
    }

    static int is_recorded(int fd) {
      struct stat now;
      return record >= 0 && fstat(fd, &now) == 0 && now.st_dev == file.st_dev
        && now.st_ino == file.st_ino;
    }

    /* Notes an operation; -1 if it is the one that fails. The lock is held until it is done. */
    static int note(char kind, int64_t at, int64_t size, const void *bytes) {
      int64_t numbers[2] = {at, size};
      pthread_mutex_lock(&lock);
      if (number++ == failing) { errno = EIO; return -1; }
      int wrote = write(record, &kind, 1) == 1 && write(record, numbers, 16) == 16
        && (!bytes || write(record, bytes, size) == size);
      if (!wrote) abort();
      return 0;
    }

    #define RECORDED(type, name, kind, at, size, bytes, declared, passed) \
      type name declared { \
        static type (*real) declared; \
        if (!real) real = (type(*) declared)dlsym(RTLD_NEXT, #name); \
        if (!is_recorded(fd)) return real passed; \
        type result = note(kind, at, size, bytes); \
        if (result == 0) result = real passed; \
        int reason = errno; \
        pthread_mutex_unlock(&lock); \
        errno = reason; \
        return result; \
      }

    #define WRITE(name) RECORDED(ssize_t, name, 'w', at, size, from, \
      (int fd, const void *from, size_t size, off_t at), (fd, from, size, at))
    WRITE(pwrite)
    WRITE(pwrite64)
    #define TRUNCATE(name) RECORDED(int, name, 't', size, 0, 0, (int fd, off_t size), (fd, size))
    TRUNCATE(ftruncate)
    TRUNCATE(ftruncate64)
    #define PUNCH(name) RECORDED(int, name, 'p', at, size, 0, \
      (int fd, int mode, off_t at, off_t size), (fd, mode, at, size))
    PUNCH(fallocate)
    PUNCH(fallocate64)
    #define SYNC(name) RECORDED(int, name, 's', 0, 0, 0, (int fd), (fd))
    SYNC(fsync)
    SYNC(fdatasync)
    """#
}
