import DiskIO
import DiskImage
import SystemPackage
import Testing

/// What errors say: which file, which values, what to do.
@Suite struct ImageErrorTests {
  @Test("A disk beyond the largest file is refused with both sizes")
  func tooLarge() {
    #expect(
      ImageError.tooLarge("a.img", bytes: UInt64(Int64.max)).description
        == """
        a.img has 9223372036854775807 bytes (8 EiB); a disk has at most 9223372036854775296 (8 EiB)
        """)
  }

  @Test("An error of a system call speaks for itself")
  func io() {
    let error = IOError(.read, "a.img", at: 4096, reason: .ioError)
    #expect(ImageError.io(error).description == error.description)
    #expect(error.description == "cannot read a.img at byte 4096: Input/output error")
    #expect(
      IOError(.findData, "a.img", reason: .ioError).description
        == "cannot look for data in a.img: Input/output error")
  }

  @Test("Other errors name the file first")
  func others() {
    let errors: [(ImageError, String)] = [
      (.notAnImage("a", .directory), "is a directory"), (.inUse("a"), "is in use"),
      (.shrank("a", offset: 77), "byte 77"), (.malformed("a", reason: "odd"), "odd"),
    ]
    for (error, part) in errors {
      #expect(error.description.hasPrefix("a"))
      #expect(error.description.contains(part))
    }
  }
}
