import DedupStore

/// Fuzzes what an image keeps of a hash store. The input's first two bytes tell the sizes of the
/// file and of its clusters; the rest is taken as header extension, as dump and as trailer, with
/// the checksums that it has, and with right ones.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHashStore(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let bytes, count > 2 else { return -1 }
  let fileSize = UInt64(1) << UInt64(bytes[0] & 63)
  let alignment = UInt64(1) << UInt64(bytes[1] % 22)
  let input = Array(UnsafeBufferPointer(start: bytes + 2, count: count - 2))
  parse(input, fileSize, alignment)
  parse(withHeaderSealed(input), fileSize, alignment)
  parse(withTrailerSealed(input), fileSize, alignment)
  return 0
}

private func parse(_ bytes: [UInt8], _ fileSize: UInt64, _ alignment: UInt64) {
  do throws(StoreFormatError) {
    let header = try StoreHeader.parse(bytes, fileSize: fileSize, alignment: alignment)
    precondition(bytes.starts(with: header.serialized))
    if let dump = header.inlineDump { try check(dump, fileSize, alignment) }
    try header.checkDump(bytes)
  } catch {
    precondition(!error.description.isEmpty)
  }
  do throws(StoreFormatError) { try check(bytes, fileSize, alignment) } catch {
    precondition(!error.description.isEmpty)
  }
  do throws(StoreFormatError) {
    let trailer = try IncarnationTrailer(parsing: bytes)
    precondition(trailer.serialized.count == IncarnationTrailer.byteCount)
  } catch {
    precondition(!error.description.isEmpty)
  }
}

/// Parses a dump; one that is accepted must give its own bytes again.
private func check(
  _ bytes: [UInt8], _ fileSize: UInt64, _ alignment: UInt64
) throws(StoreFormatError) {
  let (dump, byteCount) = try StoreDump.parse(bytes, fileSize: fileSize, alignment: alignment)
  precondition(dump.byteCount == byteCount && dump.serialized == Array(bytes[..<byteCount]))
}

/// The bytes with the checksum of a header whose dump is inline and takes all that follows it.
private func withHeaderSealed(_ bytes: [UInt8]) -> [UInt8] {
  guard bytes.count >= StoreHeader.fixedBytes else { return bytes }
  let fields = Array(bytes[..<32])
  let dump = Array(bytes[StoreHeader.fixedBytes...])
  return fields + seal(fields + dump) + dump
}

/// The bytes with the checksum of a trailer.
private func withTrailerSealed(_ bytes: [UInt8]) -> [UInt8] {
  guard bytes.count >= IncarnationTrailer.byteCount else { return bytes }
  let fields = Array(bytes[..<56])
  return fields + seal(fields) + Array(bytes[IncarnationTrailer.byteCount...])
}

private func seal(_ bytes: [UInt8]) -> [UInt8] {
  let hash = bytes.withUnsafeBytes { XXH3Stream.hash($0) }
  return (0..<8).map { UInt8(truncatingIfNeeded: hash >> UInt64(56 - 8 * $0)) }
}
