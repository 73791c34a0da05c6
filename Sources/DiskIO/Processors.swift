import CQDedupShims

/// The processors of this machine.
public enum Processors {
  /// How many this process may run on, at least 1. The corresponding C function is
  /// `sched_getaffinity`.
  public static var available: Int { max(1, Int(qdedup_processor_count())) }
}
