public import DiskIO
import Glibc
internal import Synchronization
public import SystemPackage

/// A raw disk image that comes through a pipe: read once, front to back, its size unknown until it
/// ends.
///
/// States: the head is read ahead by `init`, so that the format can be recognised; then bytes are
/// handed out in order, the head first; then the pipe has ended. A reader cannot go back, so there
/// is no `ImageSource` here.
///
/// Threads: those that read at the same time take turns, under one lock that is held while the pipe
/// is waited for. A silent pipe is polled, so that a cancelled conversion ends within a tenth of a
/// second although nothing comes.
///
/// The end of the pipe is the end of the disk: whether the program that wrote to it was at its end
/// too cannot be told here.
///
/// Cost: a `poll` and a `read` each time the pipe has something (64 KiB at most, by default).
public final class PipeImage: Sendable {
  private struct State {
    /// The first bytes, read ahead to recognise the format.
    var head: [UInt8] = []
    var headOffset = 0
    var hasEnded = false
    var byteCount: UInt64 = 0
  }

  private let file: OwnedFile
  private let isCancelled: @Sendable () -> Bool
  private let state = Mutex(State())

  /// The name to show in messages.
  public var path: FilePath { file.path }

  /// How many bytes `read` has handed out.
  public var byteCount: UInt64 { state.withLock { $0.byteCount } }

  /// Whether the pipe ended without a byte.
  public var isEmpty: Bool { state.withLock { $0.hasEnded && $0.head.isEmpty } }

  /// The format that the first bytes show; nil for raw.
  public var detectedFormat: ImageFormat? {
    state.withLock { ImageFormat(head: $0.head, tail: []) }
  }

  /// Takes over the reading end of a pipe and reads its first `ImageFormat.headSize` bytes.
  ///
  /// - Parameters:
  ///   - file: A pipe, socket, terminal or anything else that is read in order.
  ///   - isCancelled: Asked a few times a second while the pipe is silent.
  /// - Throws: `ImageError` if reading fails.
  public init(
    _ file: consuming OwnedFile, isCancelled: @escaping @Sendable () -> Bool
  ) throws(ImageError) {
    self.file = file
    self.isCancelled = isCancelled
    let first: AlignedBuffer
    do {
      first = try AlignedBuffer(byteCount: ImageFormat.headSize, purpose: "the head of a pipe")
    } catch {
      throw .io(error)
    }
    let count = try read(into: first.bytes)
    let head = Array(first.bytes[..<count])
    state.withLock { state in
      state.head = head
      state.byteCount = 0
    }
  }

  /// Reads until `buffer` is full or the pipe ends.
  ///
  /// - Parameter buffer: Where the bytes go.
  /// - Returns: The number of bytes read; fewer than `buffer.count` only at the end, or once
  ///   reading is cancelled.
  /// - Throws: `ImageError` if reading fails.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ImageError) -> Int {
    nonisolated(unsafe) let buffer = buffer
    return try state.withLock { state throws(ImageError) in
      var done = Self.takeHead(of: &state, into: buffer)
      while done < buffer.count, !state.hasEnded {
        let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
        let count = try readOnce(rest, at: state.byteCount + UInt64(done))
        if count == 0 { state.hasEnded = true }
        done += count
      }
      state.byteCount += UInt64(done)
      return done
    }
  }

  /// Hands out what was read ahead.
  private static func takeHead(
    of state: inout State, into buffer: UnsafeMutableRawBufferPointer
  ) -> Int {
    let count = min(buffer.count, state.head.count - state.headOffset)
    if count > 0 {
      buffer.copyBytes(from: state.head[state.headOffset..<state.headOffset + count])
    }
    state.headOffset += count
    return count
  }

  /// One `read`, as soon as the pipe has something; 0 at its end or once cancelled.
  private func readOnce(
    _ buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ImageError) -> Int {
    while !isCancelled() {
      var request = pollfd(fd: file.descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&request, 1, Self.pollMilliseconds)
      if ready == 0 || (ready < 0 && errno == EINTR) { continue }
      let count = ready < 0 ? -1 : Glibc.read(file.descriptor, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      if errno == EINTR || errno == EAGAIN { continue }
      throw .io(IOError(.read, path, at: offset, reason: Errno(rawValue: Glibc.errno)))
    }
    return 0
  }

  /// How long to wait for a silent pipe before asking whether to go on.
  private static let pollMilliseconds: CInt = 100
}
