import DiskIO
import DiskImage
import FuzzedImages
import QCOW2

/// Fuzzes the table of snapshots. The input is an image.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSnapshots(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = UnsafeRawBufferPointer(start: bytes, count: count)
  do {
    let file = try ImageFile(try MemoryFile.holding(input))
    let metadata = try ImageMetadata(file)
    let snapshots = try SnapshotTable.read(metadata, from: file)
    precondition(snapshots.count == metadata.snapshotCount)
    for snapshot in snapshots.prefix(8) {
      let tables: ClusterTables
      do { tables = try ClusterTables(metadata, snapshot: snapshot, file: file) } catch { continue }
      if tables.virtualSize > 0 {
        _ = try tables.run(at: GuestOffset(tables.virtualSize - 1), limit: 1)
      }
    }
  } catch let error as ImageError {
    precondition(!error.description.isEmpty)
  } catch {
    return -1
  }
  return 0
}
