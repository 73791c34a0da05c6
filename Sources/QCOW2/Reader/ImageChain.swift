internal import DiskIO
internal import DiskImage
internal import SystemPackage

/// Opens an image and the files that it names, one after the other, and makes a `QCOW2Image` of them.
///
/// The image comes first, then its backing file, that one's, and so on, up to 200 of them: each qcow2
/// one with its data file, and a raw one only at the end. For each, in this order:
///
/// 1. the first cluster is read (`ImageMetadata`), and the image refused if it cannot be read
///    (`checkReadable`);
/// 2. the snapshot is looked up, in the first image only;
/// 3. the files that it names are opened, if the user has allowed that. Their names are the image's,
///    not the user's: opening one may show the guest a file of the host.
///
/// A file that appears twice is an error, as the chain would have no end. Locks are taken as a
/// reading QEMU takes them, unless the user says otherwise.
///
/// It lives on one thread while an image is opened. The pools are shared by all images with the same
/// clusters, so a long chain takes no more memory than a short one.
struct ImageChain {
  /// The most images of a chain.
  private static let limit = 200

  private let options: QCOW2Image.Options
  private var layers: [Layer] = []
  /// One for each cluster size and compression method, however long the chain is: they keep memory.
  private var pools: [InflaterPool] = []
  private var parts: [ImagePart] = []

  init(_ options: QCOW2Image.Options) {
    self.options = options
  }

  /// Opens the chain that begins with `file`.
  mutating func open(_ file: ImageFile) throws(ImageError) -> QCOW2Image {
    let metadata = try ImageMetadata(file)
    var next = try add(file, metadata)
    while let image = next { next = try add(image, try ImageMetadata(image)) }
    return QCOW2Image(
      layers, metadata, path: file.path, fileSize: file.size,
      bytesPerReader: pools.reduce(0) { $0 + $1.bytesPerReader }, parts: parts)
  }

  /// Adds a qcow2 image, its data file, and its backing file if that is raw.
  ///
  /// - Returns: The backing file if it is qcow2 too: it is to be added next.
  private mutating func add(
    _ file: ImageFile, _ metadata: ImageMetadata
  ) throws(ImageError) -> ImageFile? {
    // One less, for the raw image that may be the last.
    guard layers.count < Self.limit - 1 else {
      throw .unsupported(
        file.path, reason: "the chain of backing files is longer than \(Self.limit)")
    }
    try remember(
      ImagePart(layers.isEmpty ? .image : .backingFile, try file.identity()), file.path)
    try metadata.checkReadable(file.path)
    let snapshot = layers.isEmpty ? try snapshot(of: metadata, file) : nil
    let dataFile = try openDataFile(metadata, file)
    guard let geometry = ClusterGeometry(clusterSize: metadata.clusterSize) else {
      throw file.malformed("clusters of \(metadata.clusterSize) bytes, must be 512 to 2097152")
    }
    let layer = try QCOW2Layer(
      file, dataFile: dataFile, metadata, geometry, inflaters(geometry, metadata.compression),
      snapshot: snapshot)
    layers.append(.qcow2(layer))
    guard let backing = metadata.backingFile else { return nil }
    return try openBackingFile(backing, file)
  }

  private mutating func inflaters(
    _ geometry: ClusterGeometry, _ method: CompressionMethod
  ) -> InflaterPool {
    if let pool = pools.first(where: { $0.serves(geometry, method) }) { return pool }
    let pool = InflaterPool(geometry, method)
    pools.append(pool)
    return pool
  }

  /// The snapshot that the user asks for: by id, else by name, as in QEMU.
  private func snapshot(
    of metadata: ImageMetadata, _ file: ImageFile
  ) throws(ImageError) -> Snapshot? {
    guard let wanted = options.snapshot else { return nil }
    let snapshots = try SnapshotTable.read(metadata, from: file)
    let found = snapshots.first { $0.id == wanted } ?? snapshots.first { $0.name == wanted }
    if let found { return found }
    let list = snapshots.prefix(20).map {
      "\($0.name.quoted) (id \($0.id.quoted))"
    }
    throw .unsupported(
      file.path,
      reason: """
        it has no snapshot \(wanted.quoted); \
        \(list.isEmpty ? "it has none at all" : "it has " + list.joined(separator: ", "))\
        \(snapshots.count > list.count ? " and \(snapshots.count - list.count) more" : "")
        """)
  }

  private mutating func openDataFile(
    _ metadata: ImageMetadata, _ file: ImageFile
  ) throws(ImageError) -> ImageFile? {
    guard let external = metadata.dataFile else { return nil }
    let data = try ImageFile(try open(external, namedBy: file))
    try remember(ImagePart(.dataFile, try data.identity()), data.path)
    return data
  }

  /// Opens a backing file; a raw one becomes the last layer.
  ///
  /// - Returns: The file if it is qcow2.
  private mutating func openBackingFile(
    _ external: ExternalFile, _ image: ImageFile
  ) throws(ImageError) -> ImageFile? {
    let file = try open(external, namedBy: image)
    switch external.format {
    case "qcow2":
      return try ImageFile(file)
    case "raw", "file", "host_device", nil:
      let raw = try RawImage(file)
      try remember(ImagePart(.backingFile, try raw.identity()), raw.path)
      if external.format == nil, let format = try raw.detectedFormat() {
        // A guest can write a header into its raw disk: only the image may say that it is one.
        throw .unsupported(
          image.path,
          reason: """
            it does not say in what format its backing file \(external.quoted) is, which looks \
            like \(format.name)
            """, remedies: [.nameBackingFormat(image.path)])
      }
      layers.append(.raw(raw))
      return nil
    case .some(let format):
      throw .unsupported(
        image.path,
        reason: """
          the format \(format.quoted) of its backing file \(external.quoted) is not \
          read, only raw and qcow2
          """, remedies: [.flattenFirst(image.path)])
    }
  }

  /// Opens a file that an image names, if the user has allowed it.
  private func open(
    _ external: ExternalFile, namedBy image: ImageFile
  ) throws(ImageError) -> OwnedFile {
    let paths = try decoding(image.path) { () throws(FormatError) in
      try external.paths(from: image.path)
    }
    guard options.followsExternalFiles else {
      throw .externalFile(image.path, role: external.role.rawValue, name: external.quoted)
    }
    do throws(ImageError) {
      return try open(try existing(paths))
    } catch {
      throw .inPart(image.path, role: external.role.rawValue, error)
    }
  }

  /// The one of these paths that leads to a file; the first if none does.
  ///
  /// - Throws: `ImageError.unsupported` if two lead to different files.
  private func existing(_ paths: [FilePath]) throws(ImageError) -> FilePath {
    let found = paths.compactMap { path in
      (try? FileIdentity(of: path)).map { (path: path, identity: $0) }
    }
    guard let first = found.first else { return paths[0] }
    if let other = found.first(where: { $0.identity != first.identity }) {
      throw .unsupported(
        first.path,
        reason: """
          there is also \(other.path), which QEMU takes when it is started in this folder; \
          change to the image's folder, so that there is one
          """)
    }
    return first.path
  }

  private func open(_ path: FilePath) throws(ImageError) -> OwnedFile {
    let file = try OwnedFile(readingImage: path)
    try file.requireRandomAccess()
    if !options.ignoresLocks { try ImageLock.acquireForReading(file) }
    return file
  }

  private mutating func remember(
    _ part: ImagePart, _ path: FilePath
  ) throws(ImageError) {
    guard !parts.contains(where: { $0.identity == part.identity }) else {
      throw .malformed(path, reason: "the chain of backing files leads back to this file")
    }
    parts.append(part)
  }
}
