import Foundation
import SystemPackage
import TestSupport
import Testing

/// Rules that a conversion may break, and reports that are compared.
@Suite struct RuleTests {
  let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try Ext4Image.makeABDisk(at: workspace.input, mebibytes: 16)
  }

  private func convert(_ options: [String]) throws -> CommandResult {
    try Command.qdedup(
      ["convert", "--force", workspace.input.string, workspace.output.string] + options
    ).run()
  }

  @Test("A broken rule is exit code 2, and the output is complete")
  func broken() throws {
    let result = try convert([
      "--report", "json", "--fail-if", "ratios.dedup<1000", "--fail-if", "ratios.dedup>1000",
      "--fail-if", " output.file_size >= 1K",
    ]).expectingExit(2)
    #expect(result.errors.contains("is complete, but ratios.dedup is "))
    #expect(result.errors.contains("(rule: ratios.dedup<1000); output.file_size is "))
    #expect(!result.errors.contains("ratios.dedup>1000"))
    let report = try Report(json: result.standardOutput)
    #expect(report.brokenRules?.count == 2)
    try expectSound(workspace.output, equals: workspace.input)
  }

  @Test("Rules that hold leave exit code 0")
  func held() throws {
    let result = try convert([
      "--report", "json", "--fail-if", "output.file_size>1G", "--fail-if", "clusters.total==0",
      "--fail-if", "hash_store.collisions!=0", "--fail-if", "ratios.total<=0.5",
      "--fail-if", "cluster_size_choice.wall_seconds>=0",
    ]).expectingExit(0)
    #expect(try Report(json: result.standardOutput).brokenRules == [])
    #expect(result.errors == "")
  }

  @Test(
    "A rule that cannot be is refused before the work, with what is allowed",
    arguments: [
      ("ratios.dedup", "a rule is a field of the report"),
      ("ratios.dedup=<1", "a rule is a field of the report"),
      ("ratio.dedup<1", "did you mean ratios.dedup"),
      ("file_size>1G", "output.file_size"),
      ("nothing.like.this<1", "ReportSchema.json"),
      ("ratios.dedup<1.2x", "such as 1.25"),
      ("ratios.dedup<nan", "such as 1.25"),
      ("clusters.unique<1.5", "whole number"),
      ("output.file_size>1.5G", "number of bytes"),
      ("verified==1", "no number"),
    ])
  func refused(rule: String, words: String) throws {
    let result = try convert(["--fail-if", rule]).expectingExit(64)
    #expect(result.errors.contains(words), "\(result.errors)")
    #expect(try !workspace.folder.names().contains("out.qcow2"))
  }

  @Test("A report is compared with an earlier one, as text, JSON and Markdown")
  func compared() throws {
    let old = workspace.folder.file("old.json")
    try convert(["-q", "--report-file", old.string]).expectingExit(0)
    let smaller = ["-c", "--compression-type", "zstd", "--cluster-size", "4K"]
    let options = smaller + ["--compare-report", old.string]
    let json = try Report(
      json: convert(options + ["--report", "json"]).expectingExit(0).standardOutput)
    let comparison = try #require(json.comparison)
    #expect(comparison.path == old.string)
    let size = try #require(comparison.changes.first { $0.field == "output.file_size" })
    #expect(size.after == Double(json.output.fileSize) && size.before > size.after)
    let data = try #require(comparison.changes.first { $0.field == "bytes.data" })
    #expect(data.before == data.after)

    let text = try convert(options).expectingExit(0).output
    #expect(text.contains("  compared      with \(old.string)\n"))
    #expect(text.contains("output.file_size: ") && text.contains(" %)"), "\(text)")

    let rules = ["--fail-if", "ratios.dedup<99"]
    let markdown = try convert(options + ["--report", "markdown"] + rules).expectingExit(2).output
    #expect(markdown.hasPrefix("### qdedup: "))
    #expect(markdown.contains("| what | before | now | change |\n|---|---:|---:|---:|\n"))
    #expect(markdown.contains("| bytes.data | ") && markdown.contains(" | ±0 % |"))
    #expect(markdown.contains("- **broken rule:** ratios.dedup is "))
  }

  @Test("Markdown without an earlier report is a table of figures")
  func markdown() throws {
    let output = try convert(["--report", "markdown", "--verify"]).expectingExit(0).output
    #expect(output.contains("| what | value |\n|---|---:|\n| disk | "))
    #expect(output.contains("| verified | yes |"))
  }

  @Test("Names of files cannot break Markdown")
  func escaped() throws {
    let output = workspace.folder.file("a|b*`c`<d>.qcow2")
    let text = try Command.qdedup(
      ["convert", "--report", "markdown", workspace.input.string, output.string]
    ).run().expectingExit(0).output
    #expect(text.contains("a\\|b\\*\\`c\\`\\<d\\>.qcow2\n"))
  }

  @Test("What is no report is not compared with, and the work does not begin")
  func noReport() throws {
    let other = try workspace.folder.make("other.json", Array(#"{"output":{"file_size":1}}"#.utf8))
    for (path, words) in [
      (other, "is no report of qdedup"), (workspace.folder.file("none"), "cannot read"),
      (workspace.input, "is no report of qdedup"),
    ] {
      let result = try convert(["--compare-report", path.string]).expectingExit(1)
      #expect(result.errors.contains(words), "\(result.errors)")
      #expect(try !workspace.folder.names().contains("out.qcow2"))
    }
  }

  @Test("An earlier report with absurd numbers is compared all the same")
  func absurd() throws {
    let old = workspace.folder.file("old.json")
    try convert(["-q", "--report-file", old.string]).expectingExit(0)
    var text = String(decoding: try RawImage.read(old), as: UTF8.self)
    for key in ["file_size", "wall_seconds", "unique", "dedup"] {
      let pattern = try Regex("\"\(key)\" : [0-9.]+")
      text = text.replacing(pattern, with: "\"\(key)\" : 1e300")
    }
    text = text.replacing(try Regex("\"peak_rss_bytes\" : [0-9]+"), with: "\"peak_rss_bytes\" : -5")
    try RawImage.write(Array(text.utf8), to: old)
    for format in ["text", "markdown", "json"] {
      try convert(["--compare-report", old.string, "--report", format]).expectingExit(0)
    }
  }

  @Test("Rules judge what is added to a file with versions too")
  func versions() throws {
    try convert(["-q", "--name", "one"]).expectingExit(0)
    let result = try Command.qdedup([
      "add", "--name", "two", "--report", "json", "--fail-if", "versions.count>1",
      workspace.output.string, workspace.input.string,
    ]).run().expectingExit(2)
    #expect(result.errors.contains("the version \"two\" is complete, but versions.count is 2"))
    #expect(try Report(json: result.standardOutput).brokenRules?.count == 1)
  }

  @Test("Every number of a report can be judged")
  func fields() throws {
    let result = try convert(["--report", "json"]).expectingExit(0)
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    var rules: [String] = []
    for (outer, value) in report {
      for (inner, number) in value as? [String: Any] ?? [:]
      where number is NSNumber && inner != "present" {
        rules += ["--fail-if", "\(outer).\(inner)>=0"]
      }
    }
    #expect(rules.count > 80)
    let all = try convert(["--report", "json"] + rules).expectingExit(2)
    #expect(try Report(json: all.standardOutput).brokenRules?.count == rules.count / 2)
  }
}
