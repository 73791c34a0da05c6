import Glibc

/// Whether two arrays of bytes are equal.
///
/// It does what `Array`'s own operator does. That one is generic, and takes far longer in
/// test targets that are compiled without optimisation; this one is compiled with it, here.
public func == (left: [UInt8], right: [UInt8]) -> Bool {
  guard left.count == right.count else { return false }
  return left.withUnsafeBytes { left in
    right.withUnsafeBytes { right in
      left.isEmpty || memcmp(left.baseAddress!, right.baseAddress!, left.count) == 0
    }
  }
}
