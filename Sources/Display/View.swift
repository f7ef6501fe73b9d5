import Model

/// Something to show: parts for people, one value for machines. Both say the same.
struct View: Sendable {
  enum Part: Sendable {
    case heading(String)
    /// Names with values; a value is never empty.
    case fields([(name: String, value: Cell)])
    case table(Table)
    case list([String])
  }

  var parts: [Part]
  var value: CanonicalValue
}

/// A table; `empty` is said when it has no rows.
struct Table: Sendable {
  var columns: [String]
  var rows: [[Cell]]
  var empty: String
}

/// One text with what it means, so that colour is decided in one place.
struct Cell: Sendable, ExpressibleByStringLiteral {
  enum Tone: Sendable {
    case plain
    case good
    case busy
    case bad
  }

  var text: String
  var tone: Tone = .plain

  init(_ text: String?, _ tone: Tone = .plain) {
    self.text = text ?? "-"
    self.tone = text == nil ? .plain : tone
    if self.text.isEmpty { self.text = "-" }
  }

  init(stringLiteral value: String) { self.init(value) }
}
