// FuzzedImages: what the fuzz targets share that take a whole image as input: the image as a file,
// and a mutator that knows where an image keeps its tables.

internal import CFuzzing
package import DiskIO
internal import SystemPackage

/// A file in memory that holds an input of the fuzzer.
package enum MemoryFile {
  /// Makes the file.
  ///
  /// - Parameter bytes: What it holds.
  /// - Returns: The file, open for reading.
  /// - Throws: `IOError` if the system gives no memory.
  package static func holding(
    _ bytes: UnsafeRawBufferPointer
  ) throws(IOError) -> OwnedFile {
    let file = OwnedFile(owning: fuzzing_memory_file(), path: "input.qcow2")
    try file.write(bytes, at: 0)
    return file
  }
}
