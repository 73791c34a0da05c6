import DiskIO
import DiskImage
import FuzzedImages
import QCOW2

/// Fuzzes the tables: opens the image that the input is, and each of its first snapshots, and reads
/// what they show.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzImage(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = UnsafeRawBufferPointer(start: bytes, count: count)
  do {
    let file = try ImageFile(try MemoryFile.holding(input))
    let metadata = try ImageMetadata(file)
    expectingImageError { () throws(ImageError) in
      try walk(ClusterTables(metadata, file: file))
    }
    var options = QCOW2Image.Options()
    expectingImageError { () throws(ImageError) in
      try walk(try QCOW2Image.open(try memory(input), options))
    }
    for snapshot in try SnapshotTable.read(metadata, from: file).prefix(2) {
      options.snapshot = snapshot.id
      expectingImageError { () throws(ImageError) in
        try walk(try QCOW2Image.open(try memory(input), options))
      }
    }
  } catch let error as ImageError {
    precondition(!error.description.isEmpty)
  } catch {
    return -1
  }
  return 0
}

/// The most runs and ranges that are looked at, and the most bytes that are read of each range.
private let (mostRuns, mostRanges, mostBytes) = (256, 64, 64 << 10)

private func memory(_ input: UnsafeRawBufferPointer) throws(ImageError) -> OwnedFile {
  do { return try MemoryFile.holding(input) } catch { throw .io(error) }
}

/// Goes through the runs of a disk.
private func walk(_ tables: ClusterTables) throws(ImageError) {
  var place: UInt64 = 0
  for _ in 0..<mostRuns where place < tables.virtualSize {
    let limit = tables.virtualSize - place
    let run = try tables.run(at: GuestOffset(place), limit: limit)
    precondition(1...limit ~= run.byteCount)
    place += run.byteCount
  }
}

/// Goes through the data of a disk, and reads the beginning, the end and an odd part of each range.
private func walk(_ image: QCOW2Image) throws(ImageError) {
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: mostBytes, alignment: 16)
  defer { buffer.deallocate() }
  var place = GuestOffset(0)
  for _ in 0..<mostRanges {
    guard let range = try image.nextData(from: place) else { return }
    precondition(range.start >= place && range.end > range.start)
    precondition(range.end.bytes <= image.virtualSize)
    let count = range.end.bytes - range.start.bytes
    let parts = [(0, count), (count - min(count, 512), 512), (count / 2 + 1, 777)]
    for (start, wanted) in parts where start < count {
      let part = Int(min(wanted, count - start, UInt64(mostBytes)))
      expectingImageError { () throws(ImageError) in
        try image.read(
          into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<part]),
          at: GuestOffset(range.start.bytes + start))
      }
    }
    place = range.end
  }
}

/// Takes the one kind of error that reading may throw, and makes its message.
private func expectingImageError(_ body: () throws(ImageError) -> Void) {
  do { try body() } catch { precondition(!error.description.isEmpty) }
}
