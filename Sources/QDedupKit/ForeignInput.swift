internal import DiskImage
internal import SystemPackage

/// An input that is read only after it went through another program.
public struct ForeignInput: Sendable {
  private let path: FilePath
  private let format: ImageFormat
  private let isStandardInput: Bool
  private let output: FilePath
}

extension ForeignInput {
  /// The input of a conversion.
  init(_ path: FilePath, _ format: ImageFormat, _ options: ConvertOptions) {
    self.init(
      path: path, format: format, isStandardInput: options.input == .standardInput,
      output: options.output)
  }
}

extension ForeignInput: CustomStringConvertible {
  /// What the input is, and the command that makes it one that is read.
  public var description: String {
    guard let advice else { return ImageError.foreignFormat(path, format).description }
    return """
      \(path) is \(format.name), which is not read directly; \(advice) (to take its bytes as a raw \
      disk all the same, say -f raw)
      """
  }

  /// Nil where the error itself has the best advice.
  private var advice: String? {
    let conversion = "qdedup convert - \(output.string.shellWord)"
    switch (unpacker, isStandardInput) {
    case (let program?, true):
      return "put the decompressor before it: … | \(program) -dc | \(conversion)"
    case (let program?, false):
      return "unpack it into a pipe: \(program) -dc \(path.string.shellWord) | \(conversion)"
    case (nil, true):
      return "save it to a file and convert that first: qemu-img convert -O raw FILE disk.raw"
    case (nil, false):
      return nil
    }
  }

  /// The program that unpacks such a file to standard output with `-dc`; nil if it is no compressed
  /// file.
  private var unpacker: String? {
    switch format {
    case .gzip, .xz, .zstd, .bzip2: format.rawValue
    default: nil
    }
  }
}

extension ConversionError {
  /// The error of a conversion that cannot open its input.
  init(opening options: ConvertOptions, _ error: ImageError) {
    if case .foreignFormat(let path, let format) = error {
      self = .foreignInput(ForeignInput(path, format, options))
    } else {
      self = .image(error)
    }
  }
}
