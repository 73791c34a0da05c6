import DiskImage
import Testing

/// Text from strangers in messages.
@Suite struct QuotedTests {
  @Test(
    "What a terminal obeys is made visible, what it shows is left alone",
    arguments: [
      ("plain name_1.img", "\"plain name_1.img\""), ("", "\"\""), ("ä€😀", "\"ä€😀\""),
      ("a\"b\\c", "\"a\\\"b\\\\c\""), ("\u{1B}[31m", "\"\\u{1b}[31m\""),
      ("a\nb\r\t\u{0}", "\"a\\u{a}b\\u{d}\\u{9}\\u{0}\""), ("\u{9B}1m", "\"\\u{9b}1m\""),
      ("\u{202E}gmi", "\"\\u{202e}gmi\""), ("\u{2028}\u{7F}", "\"\\u{2028}\\u{7f}\""),
    ])
  func quoted(text: String, shown: String) {
    #expect(text.quoted == shown)
  }

  @Test("A message keeps its quotes and backslashes, and can be made visible twice")
  func visible() {
    let message = "cannot open \"a\u{1B}[2J\\b\u{9B}\n\": ä"
    let shown = "cannot open \"a\\u{1b}[2J\\b\\u{9b}\\u{a}\": ä"
    #expect(message.visible == shown)
    #expect(shown.visible == shown)
  }
}
