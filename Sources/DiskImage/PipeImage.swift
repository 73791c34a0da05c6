import CQDedupShims
public import DiskIO
import Glibc
public import SystemPackage

/// A raw disk image that comes through a pipe: read once, front to back, its size unknown until it
/// ends. One thread reads at a time.
public final class PipeImage {
  private let file: OwnedFile
  private let isCancelled: @Sendable () -> Bool
  private var head: [UInt8]
  private var headOffset = 0
  private var hasEnded = false

  /// The bytes read so far, without those kept back for `head`.
  public private(set) var byteCount: UInt64 = 0

  /// The name to show in messages.
  public var path: FilePath { file.path }

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
    head = []
    let first: AlignedBuffer
    do {
      first = try AlignedBuffer(byteCount: ImageFormat.headSize, purpose: "the head of a pipe")
    } catch {
      throw .io(error)
    }
    let count = try read(into: first.bytes)
    byteCount = 0
    head = Array(first.bytes[..<count])
  }

  /// The format that the first bytes show; nil for raw.
  public var detectedFormat: ImageFormat? { ImageFormat(head: head, tail: []) }

  /// Reads until `buffer` is full or the pipe ends.
  ///
  /// - Parameter buffer: Where the bytes go.
  /// - Returns: The number of bytes read; fewer than `buffer.count` only at the end.
  /// - Throws: `ImageError` if reading fails.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ImageError) -> Int {
    var done = takeHead(into: buffer)
    while done < buffer.count, !hasEnded {
      let count = try readOnce(UnsafeMutableRawBufferPointer(rebasing: buffer[done...]))
      if count == 0 { hasEnded = true }
      done += count
    }
    byteCount += UInt64(done)
    return done
  }

  /// Hands out what was read ahead to recognise the format.
  private func takeHead(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(buffer.count, head.count - headOffset)
    if count > 0 { buffer.copyBytes(from: head[headOffset..<headOffset + count]) }
    headOffset += count
    return count
  }

  /// One `read`, as soon as the pipe has something; 0 at its end or once cancelled.
  private func readOnce(_ buffer: UnsafeMutableRawBufferPointer) throws(ImageError) -> Int {
    while !isCancelled() {
      var request = pollfd(fd: file.descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&request, 1, Self.pollMilliseconds)
      if ready == 0 || (ready < 0 && errno == EINTR) { continue }
      let count = ready < 0 ? -1 : Glibc.read(file.descriptor, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      if errno == EINTR || errno == EAGAIN { continue }
      throw .io(IOError(.read, path, at: byteCount, reason: Errno(rawValue: Glibc.errno)))
    }
    return 0
  }

  /// How long to wait for a silent pipe before asking whether to go on.
  private static let pollMilliseconds: CInt = 100
}
