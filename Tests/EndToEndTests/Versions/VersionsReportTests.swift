import Foundation
import SystemPackage
import TestSupport
import Testing

/// What the commands about versions say, as JSON and as text.
@Suite struct VersionsReportTests {
  private static let bytes = RawImage.mixture(clusters: 300, size: 4096, kinds: 200, seed: 85)

  /// A file with the versions a and b.
  private func makeFile() throws -> VersionsFolder {
    var versions = try VersionsFolder()
    try versions.create("a", Self.bytes)
    try versions.add("b", Array(Self.bytes.reversed()))
    return versions
  }

  /// Runs a command and checks what it prints against a schema.
  ///
  /// - Returns: The JSON object.
  @discardableResult
  private func expectValid(
    _ arguments: String..., schema: String, in versions: VersionsFolder
  ) throws -> [String: Any] {
    let output = try Command.qdedup(arguments).run().expectingExit(0).standardOutput
    try EndToEndTests.expectValid(
      try versions.folder.make("\(arguments[0]).json", output), schema: schema)
    return try #require(JSONSerialization.jsonObject(with: Data(output)) as? [String: Any])
  }

  @Test("Each JSON output of a command about versions keeps to its published schema")
  func schemas() throws {
    var versions = try makeFile()
    let file = versions.file.string
    let input = try versions.disk("c", Array(Self.bytes[..<(600 << 10)]))
    let added = try expectValid(
      "add", "--report", "json", "--name", "c", file, input, schema: "ReportSchema.json",
      in: versions)
    #expect(added["command"] as? String == "add")
    let section = try #require(added["versions"] as? [String: Any])
    #expect(section["added"] as? [String] == ["c"])
    #expect(section["active"] as? String == "c")
    #expect(section["count"] as? Int == 3)
    let warnings = try #require(added["warnings"] as? [String])
    #expect(warnings.contains { $0.contains("the versions differ in size") })
    try expectValid("versions", "--json", file, schema: "VersionsSchema.json", in: versions)
    try expectValid("diff", "--json", file, "a", "c", schema: "DiffSchema.json", in: versions)
    try expectValid("info", "--json", file, schema: "InfoSchema.json", in: versions)
    try expectValid("check", "--data", "--json", file, schema: "CheckSchema.json", in: versions)
    try QemuImage(versions.file).perform("write -P 7 0 64k")
    try expectValid("versions", "--json", file, schema: "VersionsSchema.json", in: versions)
    let rebuilt = try expectValid(
      "add", "--report", "json", "--keep-active", "--name", "d", file, input,
      schema: "ReportSchema.json", in: versions)
    let why = (rebuilt["versions"] as? [String: Any])?["store_rebuilt"] as? String
    #expect(why?.contains("written to since the store was made") == true, "\(rebuilt)")
    try expectValid(
      "activate", "--discard-active", "--report", "json", file, "a",
      schema: "VersionsReportSchema.json", in: versions)
    let removed = try expectValid(
      "remove", "--report", "json", file, "b", "d", schema: "VersionsReportSchema.json",
      in: versions)
    #expect(removed["removed"] as? [String] == ["b", "d"])
    let target = versions.folder.file("new.qcow2").string
    try expectValid(
      "convert", "--report", "json", "--name", "x", input, target, schema: "ReportSchema.json",
      in: versions)
  }

  @Test("The text of add says what was added, what is active, and why the store was made again")
  func textOfAdd() throws {
    let versions = try makeFile()
    let (file, input) = (versions.file.string, versions.folder.file("a.img").string)
    let report = try versions.run("add", "--name", "c", file, input).output
    #expect(
      report.contains(
        "versions      added \"c\"; 3 versions now, the active disk is a copy of \"c\"\n"),
      "\(report)")
    #expect(!report.contains("store rebuilt"), "\(report)")
    try QemuImage(versions.file).perform("write -P 7 0 64k")
    let rebuilt = try versions.run("add", "--keep-active", "--name", "d", file, input).output
    #expect(rebuilt.contains("4 versions now, the active disk is as it was\n"), "\(rebuilt)")
    #expect(rebuilt.contains("  store rebuilt from all versions, in "), "\(rebuilt)")
  }

  @Test("info lists the versions and the l2-cache-size that covers the largest disk")
  func info() throws {
    var versions = try makeFile()
    let input = try versions.disk("large", [UInt8](repeating: 3, count: 9 << 20))
    try versions.run("add", "-q", "--keep-active", "--name", "large", versions.file.string, input)
    let text = try versions.run("info", versions.file.string).output
    for name in ["a", "b", "large"] { #expect(text.contains("\"\(name)\", disk "), "\(text)") }
    // A table of 4 KiB maps 2 MiB.
    #expect(text.contains("l2-cache-size=20480 (20 KiB)"), "\(text)")
  }

  @Test("check --data finds the entries of all versions, and those of removed ones are no damage")
  func check() throws {
    let versions = try makeFile()
    let file = versions.file.string
    let sound = try expectValid(
      "check", "--data", "--json", file, schema: "CheckSchema.json", in: versions)
    let store = try #require(sound["hash_store"] as? [String: Any])
    #expect(store["state"] as? String == "valid")
    #expect(store["lookups"] as? Int == store["entries"] as? Int)
    #expect(store["stale_entries"] as? Int == 0)
    try versions.run("remove", "-q", file, "a")
    let after = try expectValid(
      "check", "--data", "--json", file, schema: "CheckSchema.json", in: versions)
    #expect(after["result"] as? String == "clean")
  }

  @Test("A removal that makes more than a quarter of the store stale makes the store again")
  func storeIsSortedOut() throws {
    var versions = try VersionsFolder()
    let file = versions.file.string
    try versions.create("a", RawImage.noise(count: 1 << 20, seed: 86))
    try versions.add("b", RawImage.noise(count: 1 << 20, seed: 87))
    let last = RawImage.noise(count: 1 << 20, seed: 88)
    try versions.add("c", last)
    let removed = try expectValid(
      "remove", "--report", "json", file, "a", schema: "VersionsReportSchema.json", in: versions)
    #expect(removed["dropped_entries"] as? Int == 256)
    versions.forget("a")
    try versions.expectSound()
    let check = try expectValid(
      "check", "--data", "--json", file, schema: "CheckSchema.json", in: versions)
    let store = try #require(check["hash_store"] as? [String: Any])
    #expect(store["entries"] as? Int == 512 && store["stale_entries"] as? Int == 0, "\(store)")
    // What is left is still found.
    let again = try versions.disk("d", last)
    let report = try expectValid(
      "add", "--report", "json", "--name", "d", file, again, schema: "ReportSchema.json",
      in: versions)
    #expect((report["clusters"] as? [String: Any])?["unique"] as? Int == 0)
  }
}
