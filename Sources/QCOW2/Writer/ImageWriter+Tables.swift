internal import DiskIO
public import DiskImage

extension ImageWriter {
  /// Maps one guest cluster to the place that holds its data.
  ///
  /// - Parameters:
  ///   - guest: The guest cluster; never before one that was mapped earlier.
  ///   - mapping: The place.
  /// - Throws: `ImageWriterError` if the table before it cannot be written.
  public func map(_ guest: GuestOffset, to mapping: ClusterMapping) throws(ImageWriterError) {
    let (index, slot) = tablePlace(of: guest)
    if index != tableIndex {
      try flushTable()
      table.bytes.initializeMemory(as: UInt8.self, repeating: 0)
      tableIndex = index
    }
    table.bytes.storeBigEndian(mapping.entry, at: slot * 8)
  }

  /// Writes the table that is being filled, if any, to a cluster of its own.
  func flushTable() throws(ImageWriterError) {
    guard let index = tableIndex else { return }
    let host = try allocate()
    addReferences(1, to: ClusterMapping(standard: host))
    setCopiedFlags()
    try writeTable(at: host)
    l2Tables.append(contentsOf: repeatElement(0, count: index - l2Tables.count))
    l2Tables.append(host.bytes)
    tableIndex = nil
  }

  /// Puts the COPIED flags of tables right that were written before their clusters became shared.
  ///
  /// - Throws: `ImageWriterError.io`.
  func rewriteOutdatedTables() throws(ImageWriterError) {
    for (word, bits) in outdatedTables.enumerated() where bits != 0 {
      for bit in 0..<64 where bits & 1 << bit != 0 {
        let host = HostOffset(l2Tables[word * 64 + bit])
        do { try file.file.readExactly(into: table.bytes, at: host.bytes) } catch {
          throw .io(error)
        }
        setCopiedFlags()
        try writeTable(at: host)
      }
    }
    outdatedTables = []
  }

  /// Remembers that the table which maps `guest` needs its flags set anew, if it is written.
  func markOutdated(tableMapping guest: GuestOffset) {
    let index = tablePlace(of: guest).index
    guard index < l2Tables.count else { return }
    let word = index / 64
    while word >= outdatedTables.count { outdatedTables.append(0) }
    outdatedTables[word] |= 1 << UInt64(index % 64)
  }

  /// Sets or clears COPIED in each entry of `table`, as the refcounts are now.
  private func setCopiedFlags() {
    for offset in stride(from: 0, to: table.bytes.count, by: 8) {
      let entry = UnsafeRawBufferPointer(table.bytes).loadBigEndian(UInt64.self, at: offset)
      guard entry & TableEntry.compressed == 0, let host = TableEntry.hostOffset(entry) else {
        continue
      }
      let isCopied = counts[host.bytes >> geometry.clusterBits] == 1
      table.bytes.storeBigEndian(TableEntry.standard(host, isCopied: isCopied), at: offset)
    }
  }

  private func writeTable(at host: HostOffset) throws(ImageWriterError) {
    do {
      try file.file.write(UnsafeRawBufferPointer(table.bytes), at: host.bytes)
    } catch {
      throw .io(error)
    }
  }

  private func tablePlace(of guest: GuestOffset) -> (index: Int, slot: Int) {
    let cluster = geometry.clusterIndex(at: guest)
    let slotBits = geometry.clusterBits - 3
    return (Int(cluster >> slotBits), Int(cluster & (1 << slotBits - 1)))
  }
}
