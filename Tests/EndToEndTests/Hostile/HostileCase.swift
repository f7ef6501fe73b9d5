/// One case of the corpus, with its values put in: one commit, one server or one configuration.
struct HostileCase: CustomStringConvertible {
  enum Expectation: String { case reject, hold, deny, neutral }
  enum Lane: String { case plain, signed, http, https, ssh, extra, start, control }

  /// What is done, in the order of the file.
  enum Step {
    case entry(mode: String, name: [UInt8], content: String)
    case file(String, text: String)
    case generated(String, by: String)
    case edit(String, old: String, new: String)
    case remove(String)
    case message(String)
    case author(String)
    case sign(String)
    case make(String)
    case server(String)
    case source(String)
  }

  var title: String
  var rows: [String] = []
  var expectation = Expectation.reject
  var lane = Lane.plain
  /// What `viridian get` must say.
  var says: [String] = []
  var steps: [Step] = []
  /// Only the hostile file is refused.
  var isBeside = false
  /// No good commit can follow this one: it goes from the last good one.
  var isRewritten = false
  /// Only in the long run.
  var isSlow = false
  /// Another value of a case that there is with its first one.
  var isVariation = false
  /// A hold that is told, and no alert.
  var isAlert = true

  var description: String { title }

  /// Files that must each be named as wrong.
  var named: [String] {
    guard isBeside else { return [] }
    return steps.compactMap { step in
      switch step {
      case .file(let path, _), .generated(let path, _): path
      default: nil
      }
    }
  }

  /// The order of a server's, when there is one.
  var server: String? {
    steps.compactMap { if case .server(let text) = $0 { text } else { nil } }.first
  }
  var source: String? {
    steps.compactMap { if case .source(let text) = $0 { text } else { nil } }.first
  }
  var make: String? {
    steps.compactMap { if case .make(let text) = $0 { text } else { nil } }.first
  }
}

/// A case as it is written, before its values are put in.
struct WrittenCase {
  var title: String
  var place: String
  var lines: [(key: String, value: String)] = []
  var values: [String] = []

  func cases() throws -> [HostileCase] {
    guard !values.isEmpty else { return [try build([nil])] }
    let isTogether = lines.contains {
      ["file", "generated"].contains($0.key) && $0.value.contains("{n}")
    }
    guard !isTogether else { return [try build(values)] }
    return try values.enumerated().map { index, value in
      var result = try build([value])
      result.isVariation = index > 0
      return result
    }
  }

  private func build(_ values: [String?]) throws -> HostileCase {
    var result = HostileCase(title: title)
    if values.count == 1, let value = values[0] { result.title += " (\(shown(value)))" }
    for (key, written) in lines {
      let isExpanded = written.contains("{value}") || written.contains("{n}")
      for (index, value) in values.enumerated() where index == 0 || isExpanded {
        try add(key, put(value ?? "", index + 1, into: written), to: &result)
      }
    }
    return result
  }

  private func shown(_ value: String) -> String {
    String(value.unicodeScalars.prefix(60).map { $0.value < 0x20 ? "·" : Character($0) })
  }

  /// A value of several lines keeps the column it begins in.
  private func put(_ value: String, _ number: Int, into text: String) -> String {
    let name = String(repeating: "0", count: 3 - "\(number)".count) + "\(number)"
    return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let column = line.prefix { $0 == " " }
      let lines = value.replacing("⏎", with: "\n\(column)")
      return line.replacing("{value}", with: lines).replacing("{n}", with: name)
    }.joined(separator: "\n")
  }

  private func add(_ key: String, _ value: String, to result: inout HostileCase) throws {
    let value = value.replacing("⏎", with: "\n")
    let parts = value.split(separator: " => ", omittingEmptySubsequences: false).map(String.init)
    switch key {
    case "row": result.rows.append(value)
    case "expect": result.expectation = try known(value)
    case "lane": result.lane = try known(value)
    case "says": result.says.append(value)
    case "beside": result.isBeside = value == "yes"
    case "rewrite": result.isRewritten = value == "yes"
    case "slow": result.isSlow = value == "yes"
    case "alert": result.isAlert = value == "yes"
    case "entry":
      let words = value.split(separator: " ", maxSplits: 2).map(String.init)
      guard words.count > 1 else { throw wrong(value) }
      result.steps.append(
        .entry(
          mode: words[0], name: Escapes.bytes(words[1]), content: words.count > 2 ? words[2] : ""))
    case "file":
      let lines = value.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
      let path = String(lines[0])
      let text = lines.count > 1 ? Escapes.scalars(String(lines[1])) + "\n" : ""
      result.steps.append(.file(path, text: text))
    case "generated":
      guard parts.count == 2 else { throw wrong(value) }
      result.steps.append(.generated(parts[0], by: parts[1]))
    case "edit":
      guard parts.count == 3 else { throw wrong(value) }
      result.steps.append(.edit(parts[0], old: parts[1], new: parts[2]))
    case "remove": result.steps.append(.remove(value))
    case "message": result.steps.append(.message(Escapes.text(value)))
    case "author": result.steps.append(.author(Escapes.text(value)))
    case "sign": result.steps.append(.sign(value))
    case "make": result.steps.append(.make(value))
    case "server": result.steps.append(.server(value))
    case "source": result.steps.append(.source(value))
    default: throw Unexpected("\(place): there is no key \"\(key)\"")
    }
  }

  private func known<Value: RawRepresentable<String>>(_ text: String) throws -> Value {
    guard let value = Value(rawValue: text) else { throw wrong(text) }
    return value
  }

  private func wrong(_ text: String) -> Unexpected { Unexpected("\(place): \"\(text)\" is wrong") }
}

/// `\xNN` is a byte, `\u{N}` a scalar.
enum Escapes {
  static func bytes(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = scalars(text)[...]
    while let at = rest.firstRange(of: "\\x") {
      bytes += rest[..<at.lowerBound].utf8
      let digits = rest[at.upperBound...].prefix(2)
      bytes.append(UInt8(digits, radix: 16) ?? 0x3F)
      rest = rest[at.upperBound...].dropFirst(2)
    }
    return bytes + rest.utf8
  }

  static func text(_ text: String) -> String { String(decoding: bytes(text), as: UTF8.self) }

  static func scalars(_ text: String) -> String {
    text.replacing(/\\u\{(?<digits>[0-9A-Fa-f]+)\}/) { match in
      let scalar = UInt32(match.digits, radix: 16).flatMap { Unicode.Scalar($0) }
      return scalar.map { String($0) } ?? "?"
    }
  }
}
