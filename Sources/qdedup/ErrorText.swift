import DiskImage
import QDedupKit
import SystemPackage

/// An error or a warning in words: what is wrong, which the error knows, and what to do about it, which is said
/// with the options of this program and with commands. Nowhere else does a message name them.
struct ErrorText {
  /// What the words depend on besides the error.
  struct Context {
    /// The command that failed.
    var command = "convert"
    /// The name of the output, if the command has one.
    var output: String?
    /// Whether the input comes from standard input.
    var readsStandardInput = false
    /// Whether an existing output may be replaced already.
    var replaces = false
  }

  private let fact: String
  private let remedies: [Remedy]
  private let context: Context

  init(_ error: any RemediableError, _ context: Context = Context()) {
    (fact, remedies) = ("\(error)", error.remedies)
    self.context = context
  }

  /// A warning of a report.
  init(_ warning: ReportWarning) {
    (fact, remedies, context) = (warning.description, warning.remedies, Context())
  }

  /// One line: what is wrong, and the remedies.
  var text: String {
    let advice = remedies.filter { $0 != .replace || !context.replaces }.map(words)
    return advice.isEmpty ? fact : "\(fact); \(advice.joined(separator: ", or "))"
  }

  private func words(_ remedy: Remedy) -> String {
    switch remedy {
    case .replace: "replace it with --force"
    case .overwrite: "if that is what you want, overwrite it with --force"
    case .exportToDevice(let path):
      """
      name a file as the output, and write its disk to the device: \
      qdedup export --force FILE \(path.shellWord)
      """
    case .releaseDevice(let path):
      "unmount it first (lsblk \(path.shellWord) shows what uses it)"
    case .chooseLargerDevice: "name a larger device"
    case .chooseAnotherName(let file): "choose another name for the \(Self.name(file))"
    case .remove: "remove it"
    case .makeFolder(let folder):
      "there is no folder \(folder): make it (mkdir -p), or name another one"
    case .allowWriting(let folder):
      "the folder \(folder) cannot be written to: allow it, or name another one"
    case .chooseAnotherFolder: "nothing can be made in that folder: name another one"
    case .stopGuest: "shut that guest down"
    case .shareWithGuest: "read it all the same with --force-share"
    case .readWithoutLocks:
      "if nothing changes the image, read it without locks with --force-share"
    case .allowChanges: "take what is there at the time with --allow-changes"
    case .keepUnchanged: "stop what writes to it, and begin again"
    case .allowExternalFiles: "if you trust the image, say --allow-external-files"
    case .convertFirst(let path, let format): foreign(path, format)
    case .readAsRaw: "to take its bytes as a raw disk, say -f raw"
    case .saveToFile: "save it to a file, and name that"
    case .convertWithItsProgram: "convert it with the program that made it"
    case .repairFirst(let path): "repair it first: qemu-img check -r all \(path.shellWord)"
    case .decryptFirst(let path, let method):
      "decrypt it first: \(Self.decryption(path, method))"
    case .nameBackingFormat(let path):
      """
      if that is right, say so: qemu-img rebase -u -F FORMAT -b BACKING-FILE \(path.shellWord)
      """
    case .flattenFirst(let path):
      "flatten it first: qemu-img convert -O qcow2 \(path.shellWord) flat.qcow2"
    case .decideOnActiveDisk:
      "keep it as a version with --name-active NAME, or drop it with --discard-active"
    case .chooseAnotherVersionName: "choose another name for the version"
    case .activateAnotherVersion: "make another one active first (qdedup activate)"
    case .leaveOut(.snapshot): "leave out --snapshot"
    case .leaveOut(.verification): "leave out --verify"
    case .leaveOut(.format): "leave out -f, and its format is detected from its content"
    case .useLargerClusters(let size):
      size.map { "use --cluster-size \($0) (\(UInt64($0).inByteUnits)) or larger" }
        ?? "use a larger --cluster-size"
    case .nameSnapshot: "-l NAME converts one"
    case .expectFlagFindings:
      """
      qemu-img check then reports OFLAG_COPIED (harmless, see README.md, "Plain or compressed")
      """
    case .keepToStoreMemory(let order, let limit):
      "to keep to --index-memory, leave out \(Self.storeOptions(order, limit))"
    case .useFewerThreads:
      "use fewer --threads, or allow more threads or memory (ulimit -a shows the limits)"
    }
  }

  private static func storeOptions(_ order: Int?, _ limit: UInt32?) -> String {
    [order.map { "--log-store-order \($0)" }, limit.map { "--max-incarnations \($0)" }]
      .compactMap { $0 }.joined(separator: " and ")
  }

  private static func name(_ file: Remedy.NewFile) -> String {
    switch file {
    case .output: "output"
    case .report: "report"
    }
  }

  /// The command that makes an image without encryption.
  private static func decryption(_ path: FilePath, _ method: String) -> String {
    // A comma separates options.
    let name = path.string.split(separator: ",", omittingEmptySubsequences: false)
      .joined(separator: ",,")
    let format = method == "AES" ? "encrypt.format=aes," : ""
    let options = "driver=qcow2,\(format)encrypt.key-secret=key,file.filename=\(name)"
    return """
      qemu-img convert --object secret,id=key,file=KEY-FILE --image-opts \(options.shellWord) \
      -O qcow2 decrypted.qcow2
      """
  }

  private func foreign(_ path: FilePath, _ format: ImageFormat) -> String {
    let hint = ForeignFormatHint(format, command: context.command, output: context.output)
    return context.readsStandardInput ? hint.forPipe : hint.forFile(path.shellWord)
  }
}

extension ReportWarning {
  /// The same with the words of this program in its text.
  var inWords: ReportWarning { ReportWarning(ErrorText(self).text) }
}
