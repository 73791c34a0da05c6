package import DedupStore

/// What tests turn to reach behaviour that real data reaches once in a lifetime.
package struct ConversionTuning: Sendable {
  /// The digest of a cluster. A poor one makes hash collisions (S34).
  package var digest: @Sendable (UnsafeRawBufferPointer) -> Digest = { Digest(of: $0) }
  /// How often a host cluster may be referenced (S33).
  package var maxReferences: UInt32

  /// The values of real conversions, except for what is given.
  package init(maxReferences: UInt32) {
    self.maxReferences = maxReferences
  }
}
