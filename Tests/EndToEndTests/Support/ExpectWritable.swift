import SystemPackage
import TestSupport
import Testing

/// Expects an image that a guest may write to and that may be made larger: QEMU marks the hash
/// store as stale before it writes, what it writes and all else reads back, and what is new reads
/// as zeros. The raw image gets the same writes and size, to compare with.
///
/// - Parameters:
///   - output: The image.
///   - input: The raw image that it was made from, of at least 512 bytes.
/// - Throws: An error if a tool is missing or refuses.
func expectWritable(_ output: FilePath, equals input: FilePath) throws {
  let (image, raw) = (QemuImage(output), QemuImage(input, format: "raw"))
  let size = UInt64(try RawImage.size(of: input))
  func expectSameContent() throws {
    let comparison = try image.compare(withRaw: input)
    #expect(comparison.exitCode == 0, "\(comparison)")
  }

  #expect(try QCOW2Walker(output).header.hashStoreIsValid)
  for offset in [0, size / 2 / 512 * 512] {
    try image.perform("write -P 17 \(offset) 512")
    try raw.perform("write -P 17 \(offset) 512")
  }
  #expect(try QCOW2Walker(output).header.hashStoreIsValid == false)
  try expectSameContent()

  // Where one of two sharers was written to, COPIED is missing at the other until it is repaired.
  try image.check(repair: "all").expectingExit(0)
  let larger = (size + 511) / 512 * 512 + 3 << 20
  try image.resize(to: larger)
  try raw.resize(to: larger)
  try expectSameContent()
  try image.check().expectingExit(0)
}
