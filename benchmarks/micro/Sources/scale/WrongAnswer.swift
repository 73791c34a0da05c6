/// The store gave an answer that cannot be right.
struct WrongAnswer: Error, CustomStringConvertible {
  /// What was asked and what came.
  let description: String

  /// - Parameters:
  ///   - content: The number of the content that was asked for.
  ///   - answer: What the store did.
  init(_ content: UInt64, _ answer: String) {
    description = "wrong answer: asked for content \(content), the store \(answer)"
  }
}
