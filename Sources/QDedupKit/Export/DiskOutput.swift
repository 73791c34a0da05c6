package import DiskIO
package import DiskImage

/// Something that a disk is written to.
package protocol DiskOutput: Sendable {
  /// Whether all ranges must come one after another, from the first byte to the last; else several
  /// threads write at any place.
  var isSequential: Bool { get }

  /// How many zeros, at places that are multiples of as many, are told apart from data around them;
  /// nil if data is written with the zeros in it.
  var zeroRun: Int? { get }

  /// Writes guest bytes.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: GuestOffset) throws(IOError)

  /// Makes a range read as zeros.
  func writeZeros(_ range: GuestRange) throws(IOError)
}
