import DiskIO
import DiskImage
import FuzzedImages
import QCOW2

/// Fuzzes the header and its extensions. The input is an image.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHeader(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = UnsafeRawBufferPointer(start: bytes, count: count)
  do {
    _ = try Header(decoding: Array(input.prefix(Header.length)))
  } catch {
    precondition(!error.reason.isEmpty)
  }
  do {
    let metadata = try ImageMetadata(ImageFile(try MemoryFile.holding(input)))
    precondition(metadata.features.count <= 192)
    precondition(metadata.virtualSize % 512 == 0)
    precondition(metadata.extensions.count <= metadata.clusterSize / 8)
    _ = (metadata.encryption, metadata.refcountBits, metadata.compression, metadata.snapshotCount)
    _ = (metadata.backingFile?.name, metadata.dataFile?.name)
  } catch let error as ImageError {
    precondition(!error.description.isEmpty)
  } catch {
    return -1
  }
  return 0
}
