public import ArgumentParser
import Glibc
public import QDedupKit

extension VersionName: ExpressibleByArgument {
  /// The name, or nil if it cannot be one.
  public init?(argument: String) {
    guard let name = try? VersionName(argument) else { return nil }
    self = name
  }
}

/// What becomes of an active disk that is no copy of a version.
struct ActiveDiskOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "If the active disk is no version, or was written to since: keep it as one of this name.",
      valueName: "name"))
  var nameActive: VersionName?

  @Flag(help: "If the active disk is no version, or was written to since: drop it.")
  var discardActive = false

  func validate() throws {
    if nameActive != nil, discardActive {
      throw ValidationError("--name-active and --discard-active exclude each other.")
    }
  }

  /// What the options say.
  var value: ActiveDiskChoice {
    if let nameActive { return .keep(as: nameActive) }
    return discardActive ? .discard : .refuse
  }
}

/// The date of a version.
struct DateOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      The date of the version: now, or @ and seconds since 1970. (default: SOURCE_DATE_EPOCH if it \
      is set, else @0, so that the same commands give the same bytes)
      """, valueName: "now|@seconds"), transform: DateOption.parse)
  var date: VersionDate?

  func validate() throws { _ = try value() }

  /// The date that the option or the environment gives.
  func value() throws -> VersionDate {
    if let date { return date }
    guard let text = getenv("SOURCE_DATE_EPOCH").map({ String(cString: $0) }), !text.isEmpty else {
      return .seconds(0)
    }
    guard let seconds = UInt32(text) else {
      throw ValidationError(
        "SOURCE_DATE_EPOCH is '\(text)', must be seconds since 1970, 0 to \(UInt32.max).")
    }
    return .seconds(seconds)
  }

  @Sendable private static func parse(_ text: String) throws -> VersionDate {
    if text == "now" { return .now }
    guard text.hasPrefix("@"), let seconds = UInt32(text.dropFirst()) else {
      throw ValidationError("a date is now, or @ and seconds from 0 to \(UInt32.max)")
    }
    return .seconds(seconds)
  }
}

/// The versions of a new file.
struct NewVersionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Make the disk a version of this name too, so that others can be added (qdedup add).",
      valueName: "name"))
  var name: VersionName?

  @Flag(
    help: "Make all internal snapshots of a qcow2 image versions, and its disk one named by --name."
  )
  var allSnapshots = false

  @OptionGroup var date: DateOption

  func validate() throws {
    if allSnapshots, name == nil {
      throw ValidationError("--all-snapshots needs --name, for the disk as it is now.")
    }
    if date.date != nil, name == nil { throw ValidationError("--date needs --name.") }
  }

  /// The version that the disk becomes; nil if none is asked for.
  var version: NewVersion? {
    guard let name, let date = try? date.value() else { return nil }
    return NewVersion(name, seconds: date.resolved)
  }
}
