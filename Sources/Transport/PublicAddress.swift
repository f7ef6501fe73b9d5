import CCurl
import Glibc

/// `false` for loopback, link-local, private, shared, multicast, reserved and unspecified
/// addresses, also when written as IPv4 inside IPv6.
func isPublic(_ address: UnsafePointer<sockaddr>) -> Bool {
  switch Int32(address.pointee.sa_family) {
  case AF_INET:
    return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
      isPublic(v4: withUnsafeBytes(of: $0.pointee.sin_addr) { Array($0) })
    }
  case AF_INET6:
    return address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
      isPublic(v6: withUnsafeBytes(of: $0.pointee.sin6_addr) { Array($0) })
    }
  default: return false
  }
}

/// The same for the four bytes of an IPv4 address.
package func isPublic(v4 bytes: [UInt8]) -> Bool {
  switch (bytes[0], bytes[1]) {
  case (0, _), (10, _), (127, _), (169, 254), (192, 168), (224...255, _): false
  case (172, 16...31), (100, 64...127), (198, 18...19): false
  case (192, 0): bytes[2] != 0
  default: true
  }
}

/// The same for the sixteen bytes of an IPv6 address.
package func isPublic(v6 bytes: [UInt8]) -> Bool {
  let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
  let isTranslated = bytes[..<12].elementsEqual([0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0])
  if isMapped || isTranslated { return isPublic(v4: Array(bytes[12...])) }
  // Today only 2000::/3 is global unicast; 2002::/16 wraps IPv4 addresses.
  guard bytes[0] & 0xE0 == 0x20 else { return false }
  return !(bytes[0] == 0x20 && bytes[1] == 0x02)
}
