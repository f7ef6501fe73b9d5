extension Duration {
  /// Whole milliseconds, rounded down.
  package var wholeMilliseconds: Int {
    let (seconds, attoseconds) = components
    return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
  }

  /// `1h30m`, `2m5s`, `250ms`, `0s`: the form that manifests use.
  package var text: String {
    var rest = wholeMilliseconds
    guard rest > 0 else { return "0s" }
    var parts: [String] = []
    for (unit, milliseconds) in Self.units where rest >= milliseconds {
      parts.append("\(rest / milliseconds)\(unit)")
      rest %= milliseconds
    }
    return parts.joined()
  }

  /// Reads `1m30s`, `24h`, `500ms`: numbers with the units h, m, s, ms, each once, in this order.
  /// nil for anything else, also for more than ten years.
  package init?(parsing text: String) {
    var total = 0
    var rest = Substring(text)
    var units = Self.units[...]
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      guard let value = Int(digits), digits.count <= 12 else { return nil }
      rest = rest.dropFirst(digits.count)
      let letters = rest.prefix { $0.isASCII && $0.isLetter }
      guard let index = units.firstIndex(where: { $0.name == letters }) else { return nil }
      total += value * units[index].milliseconds
      units = units[(index + 1)...]
      rest = rest.dropFirst(letters.count)
    }
    guard total <= 10 * 366 * 86_400_000 else { return nil }
    self = .milliseconds(total)
  }

  private static let units: [(name: String, milliseconds: Int)] = [
    ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
  ]
}
