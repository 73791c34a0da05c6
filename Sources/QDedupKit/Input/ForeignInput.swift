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
    let word = output.string.shellWord
    let hint =
      isStandardInput ? format.hintForPipe(output: word) : format.hint(for: path, output: word)
    return "\(ImageError.foreignFormat(path, format)); \(hint)"
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
