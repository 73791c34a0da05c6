import Foundation
import SystemPackage
import TestSupport
import Testing

/// Images of other formats, and images behind a URL, become qcow2 by the line that their refusal
/// prints, without a temporary file.
@Suite struct AnyFormatTests {
  let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try Ext4Image.make(at: workspace.input, mebibytes: 16, seed: 5)
  }

  @Test(
    "The line that the refusal of another format prints converts it",
    arguments: [
      ("qcow", nil), ("vmdk", nil), ("vmdk", "subformat=streamOptimized"),
      ("vpc", "force_size=on"), ("vpc", "subformat=fixed,force_size=on"), ("vhdx", nil),
      ("vdi", nil), ("qed", nil), ("parallels", nil),
    ] as [(String, String?)])
  func otherFormat(format: String, options: String?) throws {
    let other = workspace.folder.file("it's.\(format)")
    _ = try QemuImage.converting(
      raw: workspace.input, to: other, format: format, options: options)
    let refusal = try workspace.run(from: other.string).expectingExit(1)
    try runLine(of: refusal.errors)
    try expectSound(workspace.output, equals: workspace.input)
  }

  @Test("The line that the refusal of a URL prints converts what is behind it")
  func url() throws {
    let server = try Command("python3", ["-c", Self.server, workspace.input.string]).start()
    defer {
      server.signal(SIGTERM)
      _ = try? server.wait()
    }
    #expect(try server.waitUntil { try server.outputSoFar().hasSuffix("\n") })
    let port = try server.outputSoFar().dropLast()
    let refusal = try workspace.run(from: "http://127.0.0.1:\(port)/disk.img").expectingExit(64)
    try runLine(of: refusal.errors)
    try expectSound(workspace.output, equals: workspace.input)
  }

  /// Runs the line of a message, with this program as `qdedup`.
  private func runLine(of message: String) throws {
    let begin = try #require(message.range(of: "nbdcopy -- ["))
    let rest = message[begin.lowerBound...]
    let name = workspace.output.string
    let end = try #require(rest.range(of: name))
    var command = Command("bash", ["-o", "pipefail", "-c", String(rest[..<end.upperBound])])
    let program = try BuiltProgram.qdedup()
    command.environment["PATH"] =
      program.removingLastComponent().string + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
    try command.run().expectingExit(0)
  }

  /// Serves one file, in parts if they are asked for; prints its port.
  private static let server = """
    import http.server, os, re, sys
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def do_HEAD(self): self.reply(False)
        def do_GET(self): self.reply(True)
        def reply(self, body):
            size = os.path.getsize(sys.argv[1])
            first, last, status = 0, size - 1, 200
            part = re.fullmatch(r"bytes=(\\d+)-(\\d+)", self.headers.get("Range", ""))
            if part:
                first, last, status = int(part[1]), min(int(part[2]), size - 1), 206
            self.send_response(status)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(last - first + 1))
            if part:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            self.end_headers()
            if body:
                with open(sys.argv[1], "rb") as file:
                    file.seek(first)
                    self.wfile.write(file.read(last - first + 1))
        def log_message(self, *_): pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
    """
}
