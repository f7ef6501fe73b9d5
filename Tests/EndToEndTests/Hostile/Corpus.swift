import Foundation

/// The files in `Corpus`: cases, and what has none.
struct Corpus {
  struct Row {
    var word: String
    var title: String
    /// J, H, D or N.
    var expected: Character
  }

  private(set) var rows: [Row] = []
  private(set) var cases: [HostileCase] = []
  /// Rows that wait for a part that does not exist yet, and for which.
  private(set) var later: [(row: String, what: String)] = []
  /// Rows that another test shows, by its name.
  private(set) var covered: [(row: String, test: String)] = []

  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appending(path: "Corpus")

  /// All of it; throws with file and line for what it does not understand.
  static func read() throws -> Corpus {
    var corpus = Corpus()
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    for name in names where name.hasSuffix(".txt") {
      let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
      if name == "rows.txt" {
        corpus.readRows(text)
      } else {
        try corpus.read(text, name)
      }
    }
    return corpus
  }

  private mutating func readRows(_ text: String) {
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      guard let first = line.firstRange(of: ": "), let last = line.ranges(of: ": ").last else {
        continue
      }
      let expected = line[last.upperBound...].first ?? "?"
      rows.append(
        Row(
          word: String(line[..<first.lowerBound]),
          title: String(line[first.upperBound..<last.lowerBound]), expected: expected))
    }
  }

  private mutating func read(_ text: String, _ file: String) throws {
    var lists: [String: [String]] = [:]
    var list: String?
    var written: WrittenCase?
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let place = "\(file):\(index + 1)"
      if line.hasPrefix("#") || line.isEmpty { continue }
      if line.hasPrefix("== ") {
        if let written { cases += try written.cases() }
        written = WrittenCase(title: String(line.dropFirst(3)), place: place)
        list = nil
      } else if line.hasPrefix("-- ") {
        list = String(line.dropFirst(3))
      } else if line.hasPrefix("| ") || line == "|" {
        let value = String(line.dropFirst(2))
        if let list {
          lists[list, default: []].append(Escapes.scalars(value))
        } else if let last = written?.lines.indices.last {
          written?.lines[last].value += "\n" + value
        }
      } else {
        try read(line, place, lists, &written)
      }
    }
    if let written { cases += try written.cases() }
  }

  private mutating func read(
    _ line: Substring, _ place: String, _ lists: [String: [String]], _ written: inout WrittenCase?
  ) throws {
    guard let colon = line.firstRange(of: ": ") else { throw Unexpected("\(place): no key") }
    let (key, value) = (String(line[..<colon.lowerBound]), String(line[colon.upperBound...]))
    switch key {
    case "later", "covered":
      let parts = value.split(separator: ": ", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { throw Unexpected("\(place): a row, and what of it") }
      if key == "later" {
        later.append((parts[0], parts[1]))
      } else {
        covered.append((parts[0], parts[1]))
      }
    case "each":
      guard value.hasPrefix("@") else {
        written?.values.append(Escapes.scalars(value))
        return
      }
      guard let list = lists[String(value.dropFirst())] else {
        throw Unexpected("\(place): there is no list \(value)")
      }
      written?.values += list
    default:
      guard written != nil else { throw Unexpected("\(place): no case has begun") }
      written?.lines.append((key, value))
    }
  }
}
