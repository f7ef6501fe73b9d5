import Model

/// What `show proc` on the master socket says.
struct ProcessList: Hashable, Sendable {
  /// The worker that accepts; nil while there is none.
  var current: Int?
  /// Workers of former configurations that still serve connections.
  var old: [Int] = []
  /// Reloads since the master started.
  var reloads = 0
  /// Reloads that failed since the last one that did not.
  var failed = 0
  /// How long ago the current worker started.
  var uptime: Duration = .zero

  /// nil for text that is not a complete list.
  init?(_ text: String) {
    guard text.hasPrefix("#<PID>") else { return nil }
    var section = ""
    for line in text.split(separator: "\n") {
      if line.hasPrefix("#") {
        section = String(line.dropFirst(2))
        continue
      }
      let words = line.split { $0 == " " || $0 == "\t" }
      guard words.count >= 4, let pid = Int(words[0]) else { continue }
      switch words[1] {
      case "master":
        reloads = Int(words[2]) ?? 0
        if let at = words.firstIndex(of: "[failed:"), at + 1 < words.count {
          failed = Int(words[at + 1].dropLast()) ?? 0
        }
      case "worker" where section.hasPrefix("old"): old.append(pid)
      case "worker":
        current = pid
        uptime = Self.duration(words[3])
      default: break
      }
    }
  }

  /// `0d00h01m02s`.
  private static func duration(_ text: some StringProtocol) -> Duration {
    var seconds = 0
    var number = 0
    for character in text {
      switch character {
      case "d": seconds += number * 86_400
      case "h": seconds += number * 3600
      case "m": seconds += number * 60
      case "s": seconds += number
      // A number that nobody can have waited for is no reason to end.
      default: number = min(number * 10 + (character.wholeNumberValue ?? 0), 1_000_000)
      }
      if character.isLetter { number = 0 }
    }
    return .seconds(seconds)
  }
}

/// One server of one worker as `show stat` shows it.
struct ServerRow: Hashable, Sendable {
  var backend: String
  var name: String
  var sessions: Int
  /// `UP`, `UP 1/2`, `DOWN`, `MAINT`, `DRAIN`, `no check`…
  var status: String
  var weight: Int
  var checkStatus: String
  var address: String
  /// Connections at the same time; 0: as many as come.
  var maxconn: Int

  var isUp: Bool { status.hasPrefix("UP") && checkStatus.hasSuffix("OK") }
  /// HAProxy shows no result of a check that is switched off, and pauses it in maintenance.
  var isUnchecked: Bool { checkStatus.isEmpty && !isInMaintenance }
  /// Checks are on, and the first one has not ended.
  var awaitsCheck: Bool { checkStatus == "INI" }
  var isInMaintenance: Bool { status.hasPrefix("MAINT") }
  var isDraining: Bool { status.hasPrefix("DRAIN") || status.hasPrefix("NOLB") }
}

/// One frontend of one worker as `show stat` shows it.
struct FrontendRow: Hashable, Sendable {
  var name: String
  var status: String
  var mode: String
  /// Connections at the same time.
  var maxconn: Int
  /// Where its listeners accept, and their names.
  var addresses: [String] = []
  var listeners: [String] = []

  /// Says what the frontend reads of requests; nil: nothing.
  var readsMark: String? { listeners.first { $0.hasPrefix(StoredRoute.markPrefix) } }
}

/// A number of things. They are added up, so none is larger than any HAProxy can have.
func count(_ cell: String) -> Int { max(0, min(Int(cell) ?? 0, 1 << 40)) }

/// The entries of `show map <file>`: `<pointer> <key> <value>`.
func parseMap(_ text: String) -> [String: String] {
  var entries: [String: String] = [:]
  for line in text[...].pieces("\n") {
    let parts = line.pieces(" ", atMost: 3).map(String.init)
    guard parts.count == 3 else { continue }
    // HAProxy uses the first of two equal keys.
    if entries[parts[1]] == nil { entries[parts[1]] = parts[2] }
  }
  return entries
}

/// The answers to several `show map` in one line, each of which ends with an empty line; nil stands for a
/// map that is not there. nil: they do not end with one.
package func splitMaps(_ text: String) -> [String?]? {
  let newline = UInt8(ascii: "\n")
  var answers: [String?] = []
  var rest = text.utf8[...]
  while !rest.isEmpty {
    var end = rest.startIndex
    while rest[end] != newline {
      guard let line = rest[end...].firstIndex(of: newline) else { return nil }
      end = rest.index(after: line)
      guard end < rest.endIndex else { return nil }
    }
    let answer = Substring(rest[..<end])
    answers.append(answer.hasPrefix("Unknown map") ? nil : String(answer))
    rest = rest[rest.index(after: end)...]
  }
  return answers
}

/// The sessions of one server in `show sess`: `0x55…: proto=tcpv4 … be=<backend> srv=<server> …`.
func sessionPointers(_ text: String, backend: String, server: String) -> [String] {
  text[...].pieces("\n").compactMap { line in
    let words = line.pieces(" ")
    guard words.contains("be=\(backend)"), words.contains("srv=\(server)"),
      let first = words.first, first.hasPrefix("0x"), first.hasSuffix(":")
    else { return nil }
    return String(first.dropLast())
  }
}

extension Substring {
  /// `split` byte by byte: answers are long, and characters are dear to find.
  fileprivate func pieces(
    _ separator: Unicode.Scalar, keepingEmpty: Bool = false, atMost count: Int = .max
  ) -> [Substring] {
    utf8.split(
      separator: UInt8(ascii: separator), maxSplits: count - 1,
      omittingEmptySubsequences: !keepingEmpty
    ).map(Substring.init)
  }
}
