import DiskImage
import QDedupKit
import SystemPackage
import Testing

@testable import qdedup

/// The words for what can be done about an error.
@Suite struct ErrorTextTests {
  @Test("A refused output names both ways out, and one when replacing is allowed already")
  func output() {
    let error = ConversionError.outputExists("o")
    #expect(
      ErrorText(error).text
        == "o exists already; replace it with --force, or choose another name for the output")
    #expect(
      ErrorText(error, .init(replaces: true)).text
        == "o exists already; choose another name for the output")
  }

  @Test("Options are named for an image in use, external files and clusters that are too small")
  func options() {
    #expect(ErrorText(ImageError.inUse("a")).text.hasSuffix("with --force-share"))
    let external = ImageError.externalFile("a", role: "backing file", name: "b")
    #expect(ErrorText(external).text.hasSuffix("say --allow-external-files"))
    #expect(
      ErrorText(
        ImageError.unsupported("a", reason: "small", remedies: [.useLargerClusters(atLeast: 1024)])
      )
      .text == "a: small; use --cluster-size 1024 (1 KiB) or larger")
  }

  @Test("What is wrong with a file that an image names keeps its remedy")
  func part() {
    let error = ImageError.inPart("a", role: "backing file", .inUse("b"))
    let text = ErrorText(error).text
    #expect(text.hasPrefix("a: its backing file: b is in use"))
    #expect(text.hasSuffix("--force-share"))
  }

  @Test(
    "The hint for another format is a command with the names given", arguments: ImageFormat.allCases
  )
  func format(format: ImageFormat) {
    let hint = ForeignFormatHint(format, output: "o 1")
    #expect(hint.forFile("disk.x").contains("-f raw"))
    #expect(hint.forPipe.contains("-f raw"))
    let command =
      switch format {
      case .gzip, .xz, .zstd, .bzip2, .lz4:
        "\(format.rawValue) -dc disk.x | qdedup convert - 'o 1'"
      case .zip: "unzip -p disk.x | qdedup convert - 'o 1'"
      case .luks: "cryptsetup open --readonly disk.x NAME"
      case .androidSparse: "simg2img disk.x"
      default: "qemu-img convert -O raw disk.x"
      }
    #expect(hint.forFile("disk.x").contains(command))
  }
}
