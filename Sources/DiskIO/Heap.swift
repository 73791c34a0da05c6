internal import CQDedupShims

/// The memory that the process takes in small pieces.
public enum Heap {
  /// Gives what is free back to the system, wherever it is. The corresponding C function is
  /// `malloc_trim`.
  ///
  /// The heap gives back by itself only what is free at its end, so that much memory in small pieces
  /// stays with the process for as long as one piece after it is in use.
  public static func trim() { qdedup_trim_heap() }
}
