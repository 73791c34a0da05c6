import DiskImage
import Testing

/// Values in messages, as people and shells read them.
@Suite struct MessageTextTests {
  @Test(
    "Bytes are given in the largest unit that leaves at least 1",
    arguments: [
      (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (99 << 20, "99 MiB"),
      (100 << 20 | 1 << 19, "101 MiB"), (8 << 40, "8 TiB"), (UInt64.max, "16 EiB"),
    ] as [(UInt64, String)])
  func byteUnits(count: UInt64, text: String) {
    #expect(count.inByteUnits == text)
  }

  @Test(
    "A word for a shell has quotes where it needs them",
    arguments: [
      ("a/b-c_1.img", "a/b-c_1.img"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("", "''"),
      ("$x", "'$x'"), ("ä", "'ä'"),
    ])
  func shellWord(text: String, word: String) {
    #expect(text.shellWord == word)
  }
}
