/// Markdown for a comment on a pull request, where text of others must not become markup.
struct MarkdownText {
  func render(_ parts: [View.Part]) -> String {
    parts.map { lines(of: $0).map { $0 + "\n" }.joined() }.joined(separator: "\n")
  }

  private func lines(of part: View.Part) -> [String] {
    switch part {
    case .heading(let text): return ["### " + inert(text)]
    case .list(let texts): return texts.map { "- " + inert($0) }
    case .fields(let fields): return fields.map { "- **\($0.name)**: " + inert($0.value.text) }
    case .table(let table):
      guard !table.rows.isEmpty else { return [table.empty] }
      let head = "| " + table.columns.joined(separator: " | ") + " |"
      let line = "|" + String(repeating: " --- |", count: table.columns.count)
      let rows = table.rows.map { row in
        "| " + row.map { inert($0.text) }.joined(separator: " | ") + " |"
      }
      return [head, line] + rows
    }
  }

  /// Plain words stay as they are; anything that could be markup, a mention, a link or HTML goes
  /// into a code span, where nothing is.
  private func inert(_ text: String) -> String {
    let text = text.visible
    guard !isPlain(text) else { return text }
    // A bar ends a table's cell even inside a code span.
    let escaped = text.split(separator: "|", omittingEmptySubsequences: false)
      .joined(separator: "\\|")
    let fence = String(repeating: "`", count: longestRun(of: "`", in: escaped) + 1)
    let isEdged = escaped.hasPrefix("`") || escaped.hasSuffix("`")
    return isEdged ? "\(fence) \(escaped) \(fence)" : "\(fence)\(escaped)\(fence)"
  }

  private func isPlain(_ text: String) -> Bool {
    let isSafe = text.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: " ,.;:()%/-+'".utf8.contains(byte)
      }
    }
    let lower = text.lowercased()
    return isSafe && !lower.contains("://") && !lower.contains("www.")
      && text.first != "-" && text.first != "+" && text.first != " "
  }

  private func longestRun(of character: Character, in text: String) -> Int {
    var (longest, current) = (0, 0)
    for next in text {
      current = next == character ? current + 1 : 0
      longest = max(longest, current)
    }
    return longest
  }
}
