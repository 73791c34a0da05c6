public import SystemPackage

/// A library that is loaded before a program (`LD_PRELOAD`) and is between it and the system.
public enum PreloadedLibrary {
  /// Compiles one.
  ///
  /// - Parameters:
  ///   - name: What its file is called, without an extension.
  ///   - source: In C. It defines `pwrite`; `pwritev` is added, which calls that for each piece.
  ///   - folder: Where it comes.
  /// - Returns: Its file.
  /// - Throws: `TestSupportError` if there is no compiler, with what it says.
  public static func make(
    _ name: String, _ source: String, in folder: TemporaryDirectory
  ) throws -> FilePath {
    let library = folder.file("\(name).so")
    let file = try folder.make("\(name).c", Array((source + "\n" + vectored).utf8))
    let compile =
      "c=$(command -v cc || command -v clang); exec \"$c\" -shared -fPIC -o \"$1\" \"$2\""
    try Command.shell(compile, [library.string, file.string]).run().expectingExit(0)
    return library
  }

  private static let vectored = #"""
    ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t at) {
      ssize_t done = 0;
      for (int index = 0; index < count; index++) {
        ssize_t now = pwrite(fd, pieces[index].iov_base, pieces[index].iov_len, at + done);
        /* Also after a piece that was written: else the caller asks for the rest again, and gets it. */
        if (now < 0) return now;
        done += now;
        if ((size_t)now < pieces[index].iov_len) break;
      }
      return done;
    }
    ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off_t at) {
      return pwritev(fd, pieces, count, at);
    }
    """#
}
