/// The filters with the tag size that the order needs; a lookup asks once which it is.
enum AnyTagFilters {
  /// Orders below 16.
  case narrow(TagFilters<UInt16>)
  /// Orders from 16 on.
  case wide(TagFilters<UInt32>)

  init(geometry: StoreGeometry) {
    if geometry.tagBytes == 2 {
      self = .narrow(TagFilters(geometry: geometry))
    } else {
      self = .wide(TagFilters(geometry: geometry))
    }
  }

  var ramBytes: Int {
    switch self {
    case .narrow(let filters): filters.ramBytes
    case .wide(let filters): filters.ramBytes
    }
  }

  func prefetch(_ h1: Int, _ h2: Int) {
    switch self {
    case .narrow(let filters): filters.prefetch(h1, h2)
    case .wide(let filters): filters.prefetch(h1, h2)
    }
  }

  func reserveLane() throws(StoreError) {
    switch self {
    case .narrow(let filters): try filters.reserveLane()
    case .wide(let filters): try filters.reserveLane()
    }
  }

  func addYoungest(_ slots: UnsafePointer<HashInfo>) {
    switch self {
    case .narrow(let filters): filters.addYoungest(slots)
    case .wide(let filters): filters.addYoungest(slots)
    }
  }

  func dropOldest() {
    switch self {
    case .narrow(let filters): filters.dropOldest()
    case .wide(let filters): filters.dropOldest()
    }
  }

  func removeAll() {
    switch self {
    case .narrow(let filters): filters.removeAll()
    case .wide(let filters): filters.removeAll()
    }
  }
}
