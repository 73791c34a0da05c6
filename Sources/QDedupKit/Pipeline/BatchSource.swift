internal import DiskIO
internal import DiskImage

/// Where the pipeline gets its batches from. Any thread may ask.
package protocol BatchSource: Sendable {
  /// Fills the next batch that may hold data, and gives it its ticket.
  ///
  /// - Parameter batch: A batch that nobody uses.
  /// - Returns: False if there is nothing left.
  /// - Throws: `ConversionError` if the input cannot be read.
  func fill(_ batch: Batch) throws(ConversionError) -> Bool

  /// The size of the disk in bytes; final once `fill` has returned false.
  var virtualSize: UInt64 { get }

  /// The bytes of input that have been read or passed over; final like `virtualSize`.
  var fileSize: UInt64 { get }
}
