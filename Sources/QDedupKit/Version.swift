/// The version of this library and program (semantic versioning).
public let qdedupVersion = "0.1.0"
