import CQDedupShims
import Glibc
package import SystemPackage

/// A thread of the system that runs one closure. It must be joined, once.
package struct WorkerThread: Sendable {
  private final class Work: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  private let handle: pthread_t

  /// Starts a thread. The corresponding C function is `pthread_create`.
  ///
  /// - Throws: `IOError` of `.start`.
  package init(_ run: @escaping @Sendable () -> Void) throws(IOError) {
    let argument = Unmanaged.passRetained(Work(run))
    var handle = pthread_t()
    let code = pthread_create(
      &handle, nil,
      { argument in
        Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().run()
        return nil
      }, argument.toOpaque())
    guard code == 0 else {
      argument.release()
      throw IOError(startingThread: Errno(rawValue: code))
    }
    self.handle = handle
  }

  /// Waits until the closure has returned. The corresponding C function is `pthread_join`.
  package func join() {
    pthread_join(handle, nil)
  }
}

/// The processors of this machine.
public enum Processors {
  /// How many this process may keep busy, at least 1: as many as it may run on (the corresponding C
  /// function is `sched_getaffinity`), and no more than the quota of its control group pays for.
  public static var available: Int {
    let count = max(1, Int(qdedup_processor_count()))
    guard let memberships = text("/proc/self/cgroup"),
      let quota = quota(memberships, root: "/sys/fs/cgroup")
    else { return count }
    return max(1, min(count, Int(quota.rounded(.up))))
  }

  /// The processor time that control groups grant, in processors; nil for no bound.
  ///
  /// A group is bound by its own quota and by that of every group that it is in.
  /// Source: the kernel's "Control Group v2" (`cpu.max`) and "CFS Bandwidth Control".
  ///
  /// - Parameters:
  ///   - memberships: The text of `/proc/self/cgroup`: a line `number:controllers:group` for each
  ///     hierarchy; the one of version 2 names no controllers.
  ///   - root: The folder with the groups' folders.
  /// - Returns: How many processors may be used at a time; nil without a limit.
  package static func quota(_ memberships: String, root: FilePath) -> Double? {
    memberships.split(separator: "\n").compactMap { line -> Double? in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { return nil }
      if fields[1].isEmpty {
        return quota(of: fields[2], in: root) { folder in
          text(folder.appending("cpu.max"))?.split(whereSeparator: \.isWhitespace) ?? []
        }
      }
      guard fields[1].split(separator: ",").contains("cpu") else { return nil }
      return quota(of: fields[2], in: root.appending(String(fields[1]))) { folder in
        ["cpu.cfs_quota_us", "cpu.cfs_period_us"].flatMap { name in
          text(folder.appending(name))?.split(whereSeparator: \.isWhitespace) ?? []
        }
      }
    }.min()
  }

  /// The least quota of a group and those around it.
  ///
  /// - Parameters:
  ///   - group: The group's path within the hierarchy.
  ///   - root: The folder of the hierarchy.
  ///   - words: Quota and period of the group that has a folder; fewer words if it says nothing.
  /// - Returns: How many processors may be used at a time; nil without a limit.
  private static func quota(
    of group: Substring, in root: FilePath, _ words: (FilePath) -> [Substring]
  ) -> Double? {
    var names = group.split(separator: "/")
    // A group outside of what this process sees.
    if names.contains("..") { names = [] }
    var least: Double?
    while true {
      let folder = names.reduce(root) { $0.appending(String($1)) }
      let words = words(folder)
      if words.count == 2, let time = Double(words[0]), let period = Double(words[1]), time > 0,
        period > 0
      {
        least = min(least ?? .infinity, time / period)
      }
      if names.popLast() == nil { return least }
    }
  }

  /// The beginning of a small file as text; nil if it cannot be read.
  private static func text(_ path: FilePath) -> String? {
    guard let file = try? OwnedFile(readingFrom: path),
      let buffer = try? AlignedBuffer(byteCount: 4096, purpose: "a control group"),
      let count = try? file.read(into: buffer.bytes, at: 0)
    else { return nil }
    return String(decoding: buffer.bytes[..<count], as: UTF8.self)
  }
}
