package import Model

extension ManifestNode {
  /// Everything that is wrong with this node as a mapping of `fields`, in the file's order.
  package func problems(_ fields: [Field]) -> [Diagnostic] {
    guard case .mapping(let members) = content else { return [error("expected a mapping")] }
    var problems: [Diagnostic] = []
    for member in members where !member.name.hasPrefix("x-") {
      guard let field = fields.first(where: { $0.name == member.name }) else {
        problems.append(unknown(member, fields))
        continue
      }
      problems += member.value.problems(field.type, of: field.name)
    }
    for field in fields
    where field.isRequired && !members.contains(where: { $0.name == field.name }) {
      problems.append(error("\"\(field.name)\" is missing: \(field.meaning)"))
    }
    return problems
  }

  /// What is wrong with this node as a value of `type`; `name`: the key, for the message.
  package func problems(_ type: FieldType, of name: String) -> [Diagnostic] {
    let wrong = [error("\"\(name)\" must be \(type.words)")]
    switch type {
    case .mapping(let fields):
      if case .mapping = content { return problems(fields) }
      return wrong
    case .payload:
      if case .mapping = content { return [] }
      return wrong
    case .list(let type):
      guard case .sequence(let nodes) = content else { return wrong }
      return nodes.flatMap { $0.problems(type, of: name) }
    case .map(let type):
      guard case .mapping(let members) = content else { return wrong }
      let wrongKeys = members.filter { !$0.key.isText || $0.name.utf8.count > 253 }
        .map { $0.key.error("a key of \"\(name)\" must be text of at most 253 bytes") }
      return wrongKeys
        + members.flatMap { $0.value.problems(type, of: "\(name).\(printable($0.name))") }
    case .either(let first, let second):
      let problems = problems(first, of: name)
      guard !problems.isEmpty, !self.problems(second, of: name).isEmpty else { return [] }
      return isLike(first) ? problems : isLike(second) ? self.problems(second, of: name) : wrong
    case .text, .name, .integer, .decimal, .bool, .duration, .choice:
      return isScalar(type) ? [] : wrong
    }
  }

  private func isScalar(_ type: FieldType) -> Bool {
    guard case .scalar(let text, let isPlain) = content else { return false }
    switch type {
    // A plain `true` or `null` is no text to other readers of YAML, the schema's included.
    case .name: return isValidName(text) && !(isPlain && otherThanText.contains(text))
    case .integer(let range):
      // Leading zeros and signs would make one number of two texts.
      return isPlain && Int(text).map { range.contains($0) && String($0) == text } == true
    case .decimal(let range):
      guard isPlain, text.wholeMatch(of: /-?[0-9]{1,15}(\.[0-9]{1,15})?/) != nil else {
        return false
      }
      return Double(text).map { Double(range.lowerBound)...Double(range.upperBound) ~= $0 } == true
    case .bool: return isPlain && (text == "true" || text == "false")
    case .duration: return Duration(parsing: text) != nil
    case .choice(let words): return words.contains(text)
    case .text, .list, .map, .mapping, .either, .payload:
      return isText
    }
  }

  /// A scalar that is not null, not longer than 4,096 bytes, and has no invisible characters.
  private var isText: Bool {
    guard case .scalar(let text, let isPlain) = content else { return false }
    return !(isPlain && nulls.contains(text)) && text.utf8.count <= 4096
      && text.unicodeScalars.allSatisfy(isHarmless)
  }

  /// The same kind of node, so that its own problems say more than "must be one of both".
  private func isLike(_ type: FieldType) -> Bool {
    switch (type, content) {
    case (.mapping, .mapping), (.map, .mapping), (.payload, .mapping), (.list, .sequence): true
    default: false
    }
  }

  private func unknown(_ member: Member, _ fields: [Field]) -> Diagnostic {
    if laterWords.contains(member.name) {
      return member.key.error("this version does not have \"\(member.name)\" yet")
    }
    let near = fields.map { (name: $0.name, distance: distance($0.name, member.name)) }
      .min { $0.distance < $1.distance }
    // More than a third of the letters wrong is another word, not a slip.
    let isNear = near.map { $0.distance <= max(1, member.name.count / 3) } ?? false
    let known = fields.map(\.name).joined(separator: ", ")
    return member.key.error(
      "unknown key \"\(printable(member.name))\"",
      suggestion: isNear ? near.map { "did you mean \"\($0.name)\"?" } : "known here: \(known)")
  }
}

/// Keys that the design has and a later version will read.
private let laterWords: Set<String> = ["router"]

private let nulls: Set<String> = ["", "~", "null", "Null", "NULL"]
private let otherThanText = nulls.union(["true", "True", "TRUE", "false", "False", "FALSE"])

/// Text of a manifest as a message may show it: bounded, and without invisible characters.
private func printable(_ text: String) -> String {
  let shown = text.unicodeScalars.prefix(80).map { isHarmless($0) ? $0 : "\u{FFFD}" }
  return String(String.UnicodeScalarView(shown)) + (text.unicodeScalars.count > 80 ? "…" : "")
}

/// No control characters and none that change the direction of writing or hide.
private func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse: false
  default: true
  }
}

/// The number of letters to insert, delete, change or swap to come from one word to the other.
func distance(_ a: String, _ b: String) -> Int {
  let (a, b) = (Array(a.prefix(64)), Array(b.prefix(64)))
  var rows = [Array(0...b.count)]
  for (i, letter) in a.enumerated() {
    var row = [i + 1]
    for (j, other) in b.enumerated() {
      var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (letter == other ? 0 : 1))
      if i > 0, j > 0, letter == b[j - 1], a[i - 1] == other {
        best = min(best, rows[i - 1][j - 1] + 1)
      }
      row.append(best)
    }
    rows.append(row)
  }
  return rows[a.count][b.count]
}
