package import DedupStore

/// What tests turn to reach behaviour that real data reaches once in a lifetime.
package struct ConversionTuning: Sendable {
  /// The digest of a cluster. A poor one makes hash collisions (S34).
  package var digest: @Sendable (UnsafeRawBufferPointer) -> Digest = { Digest(of: $0) }
  /// How often a host cluster may be referenced (S33).
  package var maxReferences: UInt32
  /// How much memory may go to frozen tables, unless there is an `indexMemory`. Without any, hits
  /// in incarnations are read from the output.
  package var keptTableBytes = HashStore.defaultKeptTableBytes

  /// Called with the descriptor of the complete output before it is verified: damages it.
  package var damage: (@Sendable (CInt) -> Void)?

  /// The values of real conversions, except for what is given.
  package init(maxReferences: UInt32) {
    self.maxReferences = maxReferences
  }
}
