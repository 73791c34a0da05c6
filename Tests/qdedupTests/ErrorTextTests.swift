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

  @Test("A warning of a report gets the words of the program, and in JSON it is a text")
  func warning() throws {
    let both = ReportWarning("it took more", .keepToStoreMemory(withoutOrder: 9, withoutLimit: 2))
    let advice = "to keep to --index-memory, leave out --log-store-order 9 and --max-incarnations 2"
    #expect(both.inWords.description == "it took more; \(advice)")
    #expect(try JSONText.line([both.inWords]) == "[\"it took more; \(advice)\"]")
    #expect(ReportWarning("it is empty").inWords == ReportWarning("it is empty"))
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
      case .qcow2: "qemu-img convert -O raw disk.x"
      case .qcow1: "nbdcopy -- [ qemu-nbd -r -f qcow disk.x ] - | qdedup convert - 'o 1'"
      case .vhd: "nbdcopy -- [ qemu-nbd -r -f vpc disk.x ] - | qdedup convert - 'o 1'"
      default:
        "nbdcopy -- [ qemu-nbd -r -f \(format.rawValue) disk.x ] - | qdedup convert - 'o 1'"
      }
    #expect(hint.forFile("disk.x").contains(command))
  }

  @Test(
    "A URL is answered with a line that reads it, where there is one",
    arguments: [
      ("https://host/a b.img", "nbdkit curl 'https://host/a b.img'"),
      ("http://host/disk.qcow2", "qemu-nbd -r -f qcow2 http://host/disk.qcow2"),
      ("https://host/disk.vhd", "qemu-nbd -r -f vpc https://host/disk.vhd"),
      ("ssh://host/disk.vmdk", "qemu-nbd -r -f vmdk ssh://host/disk.vmdk"),
      (
        "ssh://me@host:22/a/disk.img",
        "nbdkit ssh 'host=host' 'user=me' 'port=22' 'path=/a/disk.img'"
      ),
      ("ssh:///disk", nil), ("ssh://host", nil), ("nbd://host/disk", nil), ("://", nil),
      ("http://", "nbdkit curl http://"),
    ] as [(String, String?)])
  func url(url: String, server: String?) {
    #expect(
      NBDLine(url: url, into: "qdedup convert - o")?.text
        == server.map { "nbdcopy -- [ \($0) ] - | qdedup convert - o" })
  }
}
