public import SystemPackage

/// What can be done about an error or a warning: a fact, which a program puts into words with options of its own.
///
/// No error below the program names an option or a command. What is wrong is the error's
/// description; what helps is a list of these, each of them enough by itself.
public enum Remedy: Equatable, Sendable {
  /// What a new file is for.
  public enum NewFile: Equatable, Sendable {
    case output, report
  }

  /// What was asked for and can be left out.
  public enum Wish: Equatable, Sendable {
    case snapshot, verification, format
  }

  /// Let the new file replace the one that has its name.
  case replace
  /// Overwrite the block device, if that is what is wanted.
  case overwrite
  /// Convert to a file, and write its disk to the device.
  case exportToDevice(FilePath)
  /// Unmount the device, or take it out of what it belongs to.
  case releaseDevice(FilePath)
  /// Write to a larger device.
  case chooseLargerDevice
  /// Give the new file another name.
  case chooseAnotherName(NewFile)
  /// Remove what has the name.
  case remove(NewFile)
  /// Make the folder, or put the file into another one.
  case makeFolder(FilePath)
  /// Allow writing to the folder, or put the file into another one.
  case allowWriting(FilePath)
  /// Put the file into another folder.
  case chooseAnotherFolder

  /// Shut down the guest that uses the image.
  case stopGuest
  /// Read the image although a guest may write to it.
  case shareWithGuest
  /// Read the image without locks, if nothing changes it.
  case readWithoutLocks
  /// Convert the image although it changes.
  case allowChanges
  /// Keep others from changing the image.
  case keepUnchanged
  /// Open the files that the image names, if it is trusted.
  case allowExternalFiles

  /// Unpack or convert a file of this format first.
  case convertFirst(FilePath, ImageFormat)
  /// Take the bytes as a raw disk.
  case readAsRaw
  /// Save what comes through the pipe to a file.
  case saveToFile
  /// Convert the image with the program that made it.
  case convertWithItsProgram
  /// Repair the image with QEMU.
  case repairFirst(FilePath)
  /// Decrypt the image with QEMU; its method is `method`, `AES` or `LUKS`.
  case decryptFirst(FilePath, method: String)
  /// Write the format of its backing file into the image.
  case nameBackingFormat(FilePath)
  /// Make the image and its backing files one.
  case flattenFirst(FilePath)

  /// Keep the active disk as a version, or drop it.
  case decideOnActiveDisk
  /// Give the version another name.
  case chooseAnotherVersionName
  /// Make another version active first.
  case activateAnotherVersion

  /// Name a snapshot of the image to convert it.
  case nameSnapshot
  /// Expect a check to find wrong COPIED flags, which are harmless.
  case expectFlagFindings

  /// Leave out what was asked for.
  case leaveOut(Wish)
  /// Use larger clusters, of so many bytes if that is known.
  case useLargerClusters(atLeast: Int?)
  /// To keep to the memory that the hash store may have, leave out what sets its order or its limit
  /// of incarnations.
  case keepToStoreMemory(withoutOrder: Int?, withoutLimit: UInt32?)
  /// Use fewer threads, or allow more of them.
  case useFewerThreads
}

/// An error that knows what can be done about it.
public protocol RemediableError: Error, CustomStringConvertible {
  /// What can be done, the best first; empty where nothing is known to help.
  var remedies: [Remedy] { get }
}
