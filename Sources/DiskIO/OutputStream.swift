import Glibc
internal import Synchronization
public import SystemPackage

/// A pipe, or whatever standard output is, written from front to back. One thread at a time writes.
///
/// A pipe whose reader is slow is waited for a moment at a time, so that its caller can end
/// the waiting. The pipe is opened once more for that: waiting is a property that other processes
/// with the same descriptor share. What cannot be opened again is written to as it is, and a write
/// then lasts as long as it lasts.
public final class OutputStream: Sendable {
  private let file: OwnedFile
  private let isCancelled: @Sendable () -> Bool
  private let offset = Atomic<UInt64>(0)

  /// The name to show in messages.
  public var path: FilePath { file.path }

  /// Standard output.
  ///
  /// - Parameter isCancelled: Asked while a pipe takes nothing whether to give up.
  /// - Throws: `IOError` of `.open` if there is none.
  public init(standardOutput isCancelled: @escaping @Sendable () -> Bool) throws(IOError) {
    let name = FilePath("standard output")
    let own = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
    guard own >= 0 else { throw IOError(.open, name, reason: .current) }
    var file = OwnedFile(owning: own, path: name)
    if try file.kind() == .pipe, let pipe = Self.reopened(own) {
      // As much on the way as a user may ask for: fewer turns between the two processes.
      _ = fcntl(pipe, Self.setPipeSize, Self.pipeBytes)
      file = OwnedFile(owning: pipe, path: name)
    }
    self.file = file
    self.isCancelled = isCancelled
  }

  private static let setPipeSize: CInt = 1031  // F_SETPIPE_SZ of Linux.
  private static let pipeBytes: CInt = 1 << 20

  /// The same pipe once more, so that a full one is an error of its own; nil where that is not
  /// allowed, as with a socket.
  private static func reopened(_ descriptor: CInt) -> CInt? {
    let opened = "/proc/self/fd/\(descriptor)".withPlatformString { name in
      retryingOnInterrupt { open(name, O_WRONLY | O_NONBLOCK | O_CLOEXEC) }
    }
    return opened >= 0 ? opened : nil
  }

  /// Writes all of `bytes` after what was written before, or as much as there is until writing is
  /// cancelled. The corresponding C function is `write`.
  ///
  /// - Throws: `IOError` of `.write`; `.brokenPipe` once nobody reads any more.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(IOError) {
    var done = 0
    while done < bytes.count, !isCancelled() {
      let count = Glibc.write(file.descriptor, bytes.baseAddress! + done, bytes.count - done)
      if count > 0 {
        done += count
        offset.add(UInt64(count), ordering: .relaxed)
        continue
      }
      let reason = count == 0 ? Errno.noSpace : Errno.current
      if reason == .interrupted { continue }
      guard reason == .resourceTemporarilyUnavailable else {
        throw IOError(.write, path, at: offset.load(ordering: .relaxed), reason: reason)
      }
      var request = pollfd(fd: file.descriptor, events: Int16(POLLOUT), revents: 0)
      _ = poll(&request, 1, Self.pollMilliseconds)
    }
  }

  /// How long to wait for a slow reader before asking whether to go on.
  private static let pollMilliseconds: CInt = 100

  /// Tells what closing would: see `OwnedFile.reportErrorsOfClosing`.
  public func reportErrorsOfClosing() throws(IOError) { try file.reportErrorsOfClosing() }
}
