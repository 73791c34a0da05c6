/// What a check of an image found, and what the image holds.
public struct ImageCheck: Sendable {
  /// What is wrong.
  public internal(set) var findings = CheckFindings()
  /// The number of guest clusters of the disk.
  public internal(set) var totalClusters: UInt64 = 0
  /// How many of them have a place in the file.
  public internal(set) var allocatedClusters: UInt64 = 0
  /// How many of them are compressed.
  public internal(set) var compressedClusters: UInt64 = 0
  /// How many of them do not stand behind the one before them; compressed ones never do.
  public internal(set) var fragmentedClusters: UInt64 = 0
  /// The end of the last host cluster that is used or counted.
  public internal(set) var end = HostOffset(0)
}
