import Foundation

extension ChildProcess {
  /// The most memory that a process has had so far, in bytes (`VmHWM`); 0 once it has ended.
  ///
  /// `wait4` would not do: what it tells of a child that `posix_spawn` made includes the memory of
  /// the tests themselves. So does `VmHWM` for a moment: the child shares their memory until the
  /// kernel has given it that of its program, and `posix_spawn` may return a little before. The
  /// link to the program belongs to the same memory, so it tells whose it is.
  static func peakMemory(of processID: pid_t) -> Int {
    guard let program = program(of: "\(processID)"), program != Self.program(of: "self"),
      let status = try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)
    else { return 0 }
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    let words = line?.split(whereSeparator: \.isWhitespace) ?? []
    return words.count > 1 ? (Int(words[1]) ?? 0) << 10 : 0
  }

  /// The file of the program that a process runs; nil once it has ended.
  private static func program(of process: String) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe")
  }
}
