extension RefusedFixture {
  /// What is not read, and why.
  static let features: [Self] = [
    Self("corrupt", "corrupt", "qemu-img check"),
    Self("encrypted-aes", "encrypt"), Self("encrypted-luks", "encrypt"),
    Self("encrypted-unknown", "encrypt"),
    Self("unnamed-feature", "18"), Self("named-feature", "fancy layout"),
    Self("qcow1.qcow", "qcow1", "qemu-nbd -r -f qcow"),
    Self("version-0", "version 0"), Self("version-4", "version 4"),
    Self("version-huge", "version 4294967295"),
  ]

  /// Values that no header may have.
  static let headers: [Self] =
    [0, 8, 22, 255].map { Self("cluster-bits-\($0)", "\($0)", "9", "21") }
    + [0, 64, 8192, 4_294_967_295].map { Self("header-length-\($0)", "header", "\($0)") }
    + [4, 8, 60, 100].map { Self("cut-at-\($0)") } + [
      Self("l1-huge", "L1", "4294967295"), Self("l1-short", "L1"), Self("l1-unaligned", "L1"),
      Self("l1-outside", "L1"), Self("l1-overflow", "L1"),
      Self("size-huge", "9223372036854775808"), Self("size-all-ones", "18446744073709551615"),
      Self("refcount-order-7", "refcount", "7"), Self("compression-7", "compression", "7"),
      Self("backing-name-long", "backing", "2000", "1023"),
      Self("backing-name-outside", "backing"),
      Self("extension-huge", "extension", "4294967295"),
      Self("extension-twice", "extension", "badcafe", "twice"),
    ]

  /// Tables that lead astray, and data that is none.
  static let tables: [Self] =
    [
      "l2-unaligned", "l2-outside", "l2-cut", "data-unaligned", "data-outside",
      "compressed-outside", "data-cut", "subcluster-both", "zlib-damaged", "zlib-short",
      "zstd-damaged",
      "zstd-short",
    ].map { Self($0) }

  /// Snapshots that cannot be read. The disk itself can.
  static let snapshots: [Self] = [
    Self("snapshots-many", "snapshot", "4294967295", "65536", options: ["-l", "one"]),
    Self("snapshots-outside", "snapshot", options: ["-l", "one"]),
    Self("snapshot-l1-huge", "L1", "4294967295", options: ["-l", "one"]),
    Self("snapshot-l1-outside", "L1", options: ["-l", "one"]),
    Self("snapshot-extra-huge", "extra data", "4294967295", options: ["-l", "one"]),
    Self("snapshot-name-outside", "snapshot", options: ["-l", "one"]),
    Self("snapshot-size-huge", "snapshot", options: ["-l", "one"]),
  ]

  /// Files that the image names: refused without permission, and with it where they are unfit.
  static let external: [Self] = {
    let permission = ["--allow-external-files"]
    let other = ["backing-unnamed-qcow2-base.qcow2"]
    let loop = ["backing-loop-other.qcow2"]
    return [
      Self("backing-passwd", "/etc/passwd", permission[0]),
      Self("data-passwd", "/etc/passwd", permission[0]),
      Self("backing-missing", "nowhere.raw", permission[0]),
      Self(
        "backing-missing", "nowhere.raw", "no such file", options: permission),
      Self("data-missing", "eleven-byte", permission[0]),
      Self("data-missing", "eleven-byte", "no such file", options: permission),
      Self("data-unnamed", "external file"),
      Self("data-unnamed", "external file", options: permission),
      Self("backing-itself", permission[0]),
      Self("backing-itself", "leads back", options: permission),
      Self("backing-loop", permission[0], others: loop),
      Self("backing-loop", "leads back", options: permission, others: loop),
      Self("backing-json", "json:", "local file"),
      Self("backing-json", "json:", options: permission),
      Self("backing-network", "nbd://localhost/disk", "local file"),
      Self("backing-network", "nbd://localhost/disk", options: permission),
      Self("backing-vmdk", "nowhere.vmdk", permission[0]),
      Self("backing-vmdk", "nowhere.vmdk", options: permission),
      Self("backing-unnamed-qcow2", other[0], permission[0], others: other),
      Self("backing-unnamed-qcow2", "qemu-img rebase -u -F", options: permission, others: other),
      Self("data-shifted", "data-shifted.raw", permission[0], others: ["data-shifted.raw"]),
      Self("data-shifted", options: permission, others: ["data-shifted.raw"]),
      Self("data-itself", permission[0]),
      Self("data-itself", "leads back", options: permission),
    ]
  }()
}
