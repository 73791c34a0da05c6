import SystemPackage
import TestSupport
import Testing

/// Expects a clean image with the content of a raw one, by QEMU's word and by the tests' own
/// reading: tables, COPIED flags, every reference count, and the hash store if there is one.
///
/// - Parameters:
///   - output: The image.
///   - input: The raw image that it was made from.
///   - sourceLocation: Where the expectation is.
/// - Returns: The image, walked.
/// - Throws: An error if a tool is missing or the image cannot be walked.
@discardableResult
func expectSound(
  _ output: FilePath, equals input: FilePath, sourceLocation: SourceLocation = #_sourceLocation
) throws -> QCOW2Walker {
  let image = QemuImage(output)
  let check = try image.check()
  #expect(check.exitCode == 0, "\(check)", sourceLocation: sourceLocation)
  let comparison = try image.compare(withRaw: input)
  #expect(comparison.exitCode == 0, "\(comparison)", sourceLocation: sourceLocation)
  return try expectWellFormed(output, sourceLocation: sourceLocation)
}

/// Expects an image whose every table is as it must be, by the tests' own reading alone.
@discardableResult
func expectWellFormed(
  _ output: FilePath, sourceLocation: SourceLocation = #_sourceLocation
) throws -> QCOW2Walker {
  var walker = try QCOW2Walker(output)
  try walker.walk()
  #expect(walker.problems == [], sourceLocation: sourceLocation)
  let hasStore = walker.hasExtension(WalkedExtension.hashStore)
  #expect(walker.header.hashStoreIsValid == hasStore, sourceLocation: sourceLocation)
  let store = try WalkedStore.of(walker)
  let uncounted = Set(
    walker.refcounts.indices.filter { walker.refcounts[$0] == 0 }.map(UInt64.init))
  // The place of a guest cluster that must not be at its own place may stay free.
  let places = (4 << 20) / walker.header.clusterSize
  let ownPlaces = walker.mappings.lazy.map(\.guest).filter { $0 < places }
  let lost = uncounted.subtracting(store?.clusters ?? []).subtracting(ownPlaces)
  #expect(lost == [], "clusters that nobody uses", sourceLocation: sourceLocation)
  if let store {
    #expect(store.problems == [], sourceLocation: sourceLocation)
    let name = WalkedFeatureName(kind: 2, bit: 63, name: "hash store")
    #expect(walker.featureNames.contains(name), sourceLocation: sourceLocation)
  }
  return walker
}

/// Expects a refusal: exit code 1, a message with all of `words`, and nothing in the output folder.
func expectRefusal(
  _ result: CommandResult, naming words: String..., leaving workspace: Workspace,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  try expectRefusal(
    result, naming: words, leaving: workspace, sourceLocation: sourceLocation)
}

/// Expects a refusal: exit code 1, a message with all of `words`, and nothing in the output folder.
func expectRefusal(
  _ result: CommandResult, naming words: [String], leaving workspace: Workspace,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  #expect(result.exitCode == 1, "\(result)", sourceLocation: sourceLocation)
  #expect(result.output == "", sourceLocation: sourceLocation)
  for word in words {
    #expect(
      result.errors.lowercased().contains(word.lowercased()), "\(word): \(result.errors)",
      sourceLocation: sourceLocation)
  }
  #expect(try workspace.outputNames() == [], sourceLocation: sourceLocation)
}
