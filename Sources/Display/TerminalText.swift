/// Aligned text for a terminal.
struct TerminalText {
  let isColored: Bool

  func render(_ parts: [View.Part]) -> String {
    parts.map { lines(of: $0).map { $0 + "\n" }.joined() }.joined(separator: "\n")
  }

  private func lines(of part: View.Part) -> [String] {
    switch part {
    case .heading(let text): return [text.visible]
    case .list(let texts): return texts.map { "- " + $0.visible }
    case .fields(let fields):
      let width = fields.map { $0.name.columns + 1 }.max() ?? 0
      return fields.map { "\($0.name):".padded(to: width) + "  " + colored($0.value) }
    case .table(let table): return lines(of: table)
    }
  }

  private func lines(of table: Table) -> [String] {
    guard !table.rows.isEmpty else { return [table.empty] }
    let widths = table.columns.indices.map { column in
      let cells = table.rows.map { $0[column].text.visible.columns }
      return max(table.columns[column].columns, cells.max() ?? 0)
    }
    let head = table.columns.enumerated().map { $1.padded(to: widths[$0]) }
    let rows = table.rows.map { row in
      // Colour after padding, or the sequences would count as columns; the last is not padded.
      row.enumerated().map { colored($1, width: $0 == row.count - 1 ? 0 : widths[$0]) }
    }
    return ([head] + rows).map { trimmed($0.joined(separator: "  ")) }
  }

  private func colored(_ cell: Cell, width: Int = 0) -> String {
    let text = cell.text.visible
    let padding = String(repeating: " ", count: max(0, width - text.columns))
    guard isColored, let code = code(cell.tone) else { return text + padding }
    return "\u{1B}[\(code)m\(text)\u{1B}[0m" + padding
  }

  private func code(_ tone: Cell.Tone) -> String? {
    switch tone {
    case .plain: nil
    case .good: "32"
    case .busy: "33"
    case .bad: "31"
    }
  }

  private func trimmed(_ line: String) -> String {
    var line = line
    while line.last == " " { line.removeLast() }
    return line
  }
}
