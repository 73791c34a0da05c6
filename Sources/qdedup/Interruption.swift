import Glibc
import QDedupKit

/// Turns SIGINT, SIGTERM, SIGHUP and SIGQUIT into a cancellation, which leaves nothing behind. A
/// second signal of the same kind ends the process at once.
enum Interruption {
  /// The progress of the one operation that this process runs. A signal handler can reach no
  /// more than this, and touches nothing in it but an atomic flag.
  static let progress = Progress()

  /// The exit code after an interruption.
  static let exitCode: Int32 = 130

  /// Installs the handlers. A closed pipe and a limit on file sizes (`ulimit -f`) become write
  /// errors instead of signals.
  static func install() {
    _ = progress
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in Interruption.progress.cancel() }
    action.sa_flags = CInt(bitPattern: UInt32(SA_RESETHAND))
    // A signal that was ignored when the process started stays ignored, as with nohup.
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] where !isIgnored(signal) {
      sigaction(signal, &action, nil)
    }
    for signal in [SIGPIPE, SIGXFSZ] { Glibc.signal(signal, SIG_IGN) }
  }

  /// Lets SIGQUIT end the process, as it does elsewhere: Swift takes it for a crash, and goes on.
  static func restoreQuit() {
    if !isIgnored(SIGQUIT) { Glibc.signal(SIGQUIT, SIG_DFL) }
  }

  private static func isIgnored(_ signal: CInt) -> Bool {
    var inherited = sigaction()
    sigaction(signal, nil, &inherited)
    return unsafeBitCast(inherited.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
