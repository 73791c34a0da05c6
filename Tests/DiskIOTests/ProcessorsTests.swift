import DiskIO
import Foundation
import SystemPackage
import Testing
import TestSupport

/// How many processors a control group pays for.
@Suite struct ProcessorsTests {
  let scratch: TemporaryDirectory
  init() throws { scratch = try TemporaryDirectory() }

  private func write(_ text: String, to name: String) throws {
    let path = scratch.file(name)
    try FileManager.default.createDirectory(
      atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(filePath: path.string))
  }

  @Test(
    "The quota of version 2 is the least of the group and those around it",
    arguments: [
      ("150000 100000", "max 100000", 1.5), ("max 100000", "200000 100000", 2),
      ("50000 100000", "200000 100000", 0.5), ("400000 100000", "200000 100000", 2),
    ])
  func unified(inner: String, outer: String, quota: Double) throws {
    try write(inner + "\n", to: "a/b/cpu.max")
    try write(outer + "\n", to: "a/cpu.max")
    #expect(Processors.quota("0::/a/b\n", root: scratch.path) == quota)
  }

  @Test("The quota of version 1 is in the hierarchy of the controller cpu")
  func separate() throws {
    try write("300000\n", to: "cpu,cpuacct/a/cpu.cfs_quota_us")
    try write("100000\n", to: "cpu,cpuacct/a/cpu.cfs_period_us")
    let memberships = "5:memory:/a\n3:cpu,cpuacct:/a\n0::/\n"
    #expect(Processors.quota(memberships, root: scratch.path) == 3)
  }

  @Test("A container sees its own group at the root, whatever its path outside")
  func container() throws {
    try write("100000 100000\n", to: "cpu.max")
    #expect(Processors.quota("0::/docker/123\n", root: scratch.path) == 1)
    #expect(Processors.quota("0::/../../x\n", root: scratch.path) == 1)
  }

  @Test(
    "Text that says nothing is no bound",
    arguments: ["", "max 100000", "-1", "0 0", "x y", "100000", "100000 0", "-5 100000", "1 2 3"])
  func unbounded(text: String) throws {
    try write(text, to: "a/cpu.max")
    #expect(Processors.quota("0::/a\n", root: scratch.path) == nil)
    #expect(Processors.quota(text, root: scratch.path) == nil)
  }
}
