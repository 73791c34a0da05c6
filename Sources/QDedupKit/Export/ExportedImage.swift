internal import DiskIO
internal import DiskImage
internal import SystemPackage

/// The image of an export: a disk that can be read at any place.
struct ExportedImage {
  let disk: any ImageSource
  private let input: OpenedInput

  /// Opens the image that `options` name.
  ///
  /// - Parameters:
  ///   - options: What to open and what to allow.
  ///   - progress: Asked whether to go on.
  /// - Throws: `ConversionError`; a pipe cannot be read at any place.
  init(_ options: InputOptions, progress: Progress) throws(ConversionError) {
    let name: FilePath = if case .file(let path) = options.source { path } else { "-" }
    do {
      // Asked first, so that nobody waits for the first byte of a pipe.
      if case .file(let path) = options.source {
        try OwnedFile(readingImage: path).requireRandomAccess()
      }
      input = try OpenedInput(options, progress: progress)
    } catch {
      throw .image(error)
    }
    guard case .image(let disk) = input.source else { throw .image(.notAnImage(name, .pipe)) }
    self.disk = disk
  }

  /// Its name as given.
  var name: String { input.name }

  /// The format that it is read as.
  var format: InputOptions.Format { input.format }

  /// The files that it consists of.
  var parts: [ImagePart] { input.parts }

  /// The one of its files to which a name leads.
  func part(_ path: FilePath) -> ImagePart? { input.part(path) }

  /// Makes sure, once all has been read, that no file was changed in the meantime, unless that is
  /// allowed.
  func requireUnchanged() throws(ConversionError) {
    do { try input.requireUnchanged() } catch { throw .image(error) }
  }
}
