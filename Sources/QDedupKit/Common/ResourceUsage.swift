import Glibc

/// What the process has used so far, and the time: two of them make a measurement.
struct ResourceUsage {
  /// Seconds of a clock that never goes back.
  let wallSeconds: Double
  /// Seconds of processor time in the process's own code.
  let userSeconds: Double
  /// Seconds of processor time in the system.
  let systemSeconds: Double
  /// The most memory that the process ever had in RAM, in bytes.
  let peakResidentBytes: UInt64

  /// Takes the values as they are now. The corresponding C functions are `clock_gettime` and
  /// `getrusage`.
  init() {
    var clock = timespec()
    clock_gettime(CLOCK_MONOTONIC, &clock)
    wallSeconds = Double(clock.tv_sec) + Double(clock.tv_nsec) / 1e9
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    userSeconds = Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) / 1e6
    systemSeconds = Double(usage.ru_stime.tv_sec) + Double(usage.ru_stime.tv_usec) / 1e6
    peakResidentBytes = UInt64(max(0, usage.ru_maxrss)) * 1024
  }
}
