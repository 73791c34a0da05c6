import Glibc

/// What the process has used so far.
struct ProcessFigures {
  /// Seconds of the clock on the wall.
  var wall: Double
  /// Seconds of processor time, in the program and in the system on its behalf.
  var cpu: Double
  /// The most memory that was resident, in bytes.
  var peakBytes: UInt64

  /// Takes the figures. The corresponding C functions are `clock_gettime` and `getrusage`.
  init() {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    wall = Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    cpu = [usage.ru_utime, usage.ru_stime].reduce(0) {
      $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6
    }
    peakBytes = UInt64(usage.ru_maxrss) * 1024
  }

  /// What was used since `begin`; memory does not count from there.
  static func - (end: Self, begin: Self) -> Self {
    var spent = end
    spent.wall -= begin.wall
    spent.cpu -= begin.cpu
    return spent
  }
}
