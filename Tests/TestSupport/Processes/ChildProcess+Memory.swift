import Foundation

extension ChildProcess {
  /// The most memory that a process has had so far, in bytes (`VmHWM`); 0 once it has ended.
  ///
  /// `wait4` would not do: what it tells of a child that `posix_spawn` made includes the memory of
  /// the tests themselves.
  static func peakMemory(of processID: pid_t) -> Int {
    guard let status = try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)
    else { return 0 }
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    let words = line?.split(whereSeparator: \.isWhitespace) ?? []
    return words.count > 1 ? (Int(words[1]) ?? 0) << 10 : 0
  }
}
