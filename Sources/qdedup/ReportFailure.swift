/// Why a report cannot be written.
struct ReportFailure: Error, CustomStringConvertible {
  let description: String
}
