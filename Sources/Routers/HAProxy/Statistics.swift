/// The servers and frontends of one worker.
struct Statistics: Hashable, Sendable {
  /// By name.
  var frontends: [String: FrontendRow] = [:]
  var backends: Set<String> = []
  /// By backend.
  var servers: [String: [ServerRow]] = [:]

  /// nil for text that is not a complete table.
  init?(_ text: String) {
    var text = text
    let isComplete = text.withUTF8 { bytes in read(bytes) }
    guard isComplete else { return nil }
  }

  /// Read byte by byte, and only what is wanted becomes text: a table has a hundred columns, and each
  /// pass reads one.
  private mutating func read(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var lines = TableLines(bytes: bytes)
    guard let head = lines.next(), let columns = Columns(head, bytes) else { return false }
    var cells = [Range<Int>](repeating: 0..<0, count: columns.wanted)
    while let line = lines.next() {
      guard columns.find(in: line, of: bytes, &cells) else { return false }
      add { column in
        let cell = UnsafeBufferPointer(rebasing: bytes[cells[column.rawValue]])
        return String(decoding: cell, as: UTF8.self)
      }
    }
    return true
  }

  fileprivate enum Column: Int, CaseIterable {
    case pxname, svname, scur, status, uweight, checkStatus, addr, mode, slim, kind

    var name: String {
      switch self {
      case .checkStatus: "check_status"
      case .kind: "type"
      case .pxname, .svname, .scur, .status, .uweight, .addr, .mode, .slim: "\(self)"
      }
    }
  }

  private mutating func add(_ cell: (Column) -> String) {
    switch cell(.kind) {
    case "0":
      let name = cell(.pxname)
      frontends[name] = FrontendRow(
        name: name, status: cell(.status), mode: cell(.mode), maxconn: count(cell(.slim)))
    case "1": backends.insert(cell(.pxname))
    case "2":
      // An asterisk marks a check in progress; what follows is the last result.
      let (check, backend) = (cell(.checkStatus), cell(.pxname))
      servers[backend, default: []].append(
        ServerRow(
          backend: backend, name: cell(.svname), sessions: count(cell(.scur)),
          status: cell(.status), weight: count(cell(.uweight)),
          checkStatus: check.hasPrefix("* ") ? String(check.dropFirst(2)) : check,
          address: cell(.addr), maxconn: count(cell(.slim))))
    default:
      let name = cell(.pxname)
      frontends[name]?.addresses.append(cell(.addr))
      frontends[name]?.listeners.append(cell(.svname))
    }
  }
}

/// The lines of a table that are not empty.
private struct TableLines {
  let bytes: UnsafeBufferPointer<UInt8>
  private var place = 0

  init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  mutating func next() -> Range<Int>? {
    while place < bytes.count, bytes[place] == UInt8(ascii: "\n") { place += 1 }
    guard place < bytes.count else { return nil }
    let start = place
    while place < bytes.count, bytes[place] != UInt8(ascii: "\n") { place += 1 }
    return start..<place
  }
}

/// Where the wanted columns stand.
private struct Columns {
  let wanted = Statistics.Column.allCases.count
  /// How many columns the head names.
  private let named: Int
  /// By the place in a line: the wanted column that stands there.
  private var columns: [Int?]

  /// nil for a line that is no head with all that is wanted.
  init?(_ head: Range<Int>, _ bytes: UnsafeBufferPointer<UInt8>) {
    let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[head]), as: UTF8.self)
    guard text.hasPrefix("# ") else { return nil }
    let names = text.dropFirst(2).split(separator: ",", omittingEmptySubsequences: false)
    columns = names.map { _ in nil }
    named = names.count
    for column in Statistics.Column.allCases {
      guard let place = names.firstIndex(where: { $0 == column.name }) else { return nil }
      columns[place] = column.rawValue
    }
  }

  /// The wanted cells of one line; `false`: it has too few. A quoted cell may hold commas and doubled
  /// quotes.
  func find(
    in line: Range<Int>, of bytes: UnsafeBufferPointer<UInt8>, _ cells: inout [Range<Int>]
  ) -> Bool {
    var (start, count, found, isQuoted) = (line.lowerBound, 0, 0, false)
    for place in line.lowerBound...line.upperBound {
      if place < line.upperBound {
        if bytes[place] == UInt8(ascii: "\"") { isQuoted.toggle() }
        guard bytes[place] == UInt8(ascii: ","), !isQuoted else { continue }
      }
      if count < columns.count, let column = columns[count] {
        cells[column] = start..<place
        found += 1
      }
      count += 1
      start = place + 1
    }
    return count >= named - 1 && found == wanted
  }
}
