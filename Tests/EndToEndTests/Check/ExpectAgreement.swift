import SystemPackage
import TestSupport
import Testing

/// Expects `qdedup check` and `qemu-img check` to say the same of an image.
///
/// They may differ where only one of them looks: QEMU knows no hash store and no overlaps, and takes
/// headers that can be read in two ways.
///
/// - Parameters:
///   - image: The image.
///   - comment: How it came to be.
///   - sourceLocation: Where the expectation is.
/// - Returns: What `qdedup check` said.
/// - Throws: `TestSupportError` if a program cannot be run.
@discardableResult
func expectAgreement(
  on image: FilePath, _ comment: String = "", sourceLocation: SourceLocation = #_sourceLocation
) throws -> CheckOutcome {
  let ours = try CheckOutcome.ours(image)
  let theirs = try CheckOutcome.qemu(image, detectsFormat: ours.exitCode == 63)
  let message: Comment = "\(comment)\nours: \(ours)\ntheirs: \(theirs)"
  let isAmbiguous =
    ours.exitCode == 1
    && (ours.errors.contains("appears twice") || ours.errors.contains("inside the header"))
  if isAmbiguous { return ours }
  let seesMore = ours.report.map { $0.overlaps > 0 || $0.hashStore?.state == "damaged" } ?? false
  if seesMore, theirs.exitCode != 1 {
    #expect(ours.exitCode == 2, message, sourceLocation: sourceLocation)
  } else {
    #expect(ours.exitCode == theirs.exitCode, message, sourceLocation: sourceLocation)
  }
  if let counts = theirs.counts {
    #expect(ours.counts == counts, message, sourceLocation: sourceLocation)
  }
  return ours
}
