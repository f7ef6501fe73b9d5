/// Status and headers while they arrive.
struct ResponseHead: Sendable {
  private(set) var status = 0
  private(set) var headers: [HTTPHeader] = []
  private var bytes = 0

  /// 64 KiB: eight times what common servers allow; a peer must not fill our memory with headers.
  private static let limit = 64 << 10

  /// Takes one line; `false` when there are too many.
  mutating func add(_ line: String) -> Bool {
    bytes += line.utf8.count
    guard bytes <= Self.limit else { return false }
    if line.hasPrefix("HTTP/") {
      // An interim answer or a redirect came before: only the last head counts.
      status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
      headers = []
      return true
    }
    let text = line.filter { !$0.isNewline }
    guard let colon = text.firstIndex(of: ":") else { return true }
    let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
    headers.append(HTTPHeader(String(text[..<colon]), String(value)))
    return true
  }
}
