public import SystemPackage

/// What a command finds on its standard input.
public enum CommandInput: Sendable {
  /// Nothing: `/dev/null`.
  case nothing
  /// A file, opened for reading, as `<` in a shell does it.
  case file(FilePath)
  /// A pipe that delivers the content of a file and then ends, as `cat file |` does it.
  case pipe(contentsOf: FilePath)
  /// A pipe that the test itself writes to, and closes: see `RunningCommand.send`.
  case heldPipe
}
