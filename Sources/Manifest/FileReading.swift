package import Model
package import PlatformKit

/// What one file holds, before it is put together with others. It depends on the file's bytes
/// alone, not on its path, so that whoever keeps it need not read equal bytes again.
package enum FileReading: Hashable, Sendable {
  /// No document of ours.
  case foreign
  case unreadable(Diagnostic)
  /// Our documents, in the file's order.
  case documents([ManifestNode])

  /// `file`: the path that diagnostics name.
  package init(_ bytes: [UInt8], file: String) {
    guard YAMLText.mentionsUs(bytes) else {
      self = .foreign
      return
    }
    switch YAMLReader.documents(bytes, file: file) {
    case .failure(let problem): self = .unreadable(problem.diagnostic)
    case .success(let nodes):
      let ours = nodes.filter(Self.isOurs)
      self = ours.isEmpty ? .foreign : .documents(ours)
    }
  }

  private static func isOurs(_ node: ManifestNode) -> Bool {
    MappingReader(node).text("apiVersion")?.hasPrefix("viridian.dev/") == true
  }
}

// MARK: - Kept form

/// A compact form without the path. It is kept in memory by the very program that wrote it, and so
/// needs no version.
extension FileReading {
  package var encoded: [UInt8] {
    var writer = ReadingWriter()
    switch self {
    case .foreign: writer.byte(0)
    case .unreadable(let diagnostic):
      writer.byte(1)
      writer.text(diagnostic.message)
      writer.number(diagnostic.line)
      writer.number(diagnostic.column)
    case .documents(let nodes):
      writer.byte(2)
      writer.number(nodes.count)
      for node in nodes { writer.node(node) }
    }
    return writer.bytes
  }

  /// nil for bytes that `encoded` never gives. `file`: the path that diagnostics name from now on.
  package init?(encoded: [UInt8], file: String) {
    var reader = ReadingReader(rest: encoded[...], file: file)
    guard let reading = reader.reading(), reader.rest.isEmpty else { return nil }
    self = reading
  }
}

private struct ReadingWriter {
  private(set) var bytes: [UInt8] = []

  mutating func byte(_ value: UInt8) { bytes.append(value) }

  /// Seven bits at a time, the lowest first.
  mutating func number(_ value: Int) {
    var rest = UInt(bitPattern: value)
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func text(_ text: String) {
    number(text.utf8.count)
    bytes += text.utf8
  }

  mutating func node(_ node: ManifestNode) {
    switch node.content {
    case .scalar(_, let isPlain): byte(isPlain ? 1 : 0)
    case .sequence: byte(2)
    case .mapping: byte(3)
    }
    number(node.line)
    number(node.column)
    switch node.content {
    case .scalar(let text, _): self.text(text)
    case .sequence(let nodes):
      number(nodes.count)
      for node in nodes { self.node(node) }
    case .mapping(let members):
      number(members.count)
      for member in members {
        self.node(member.key)
        self.node(member.value)
      }
    }
  }
}

private struct ReadingReader {
  var rest: ArraySlice<UInt8>
  let file: String

  mutating func reading() -> FileReading? {
    switch rest.popFirst() {
    case 0: return .foreign
    case 1:
      guard let message = text(), let line = number(), let column = number() else { return nil }
      return .unreadable(Diagnostic(file: file, line: line, column: column, message: message))
    case 2:
      guard let nodes = list({ $0.node(depth: 0) }) else { return nil }
      return .documents(nodes)
    default: return nil
    }
  }

  private mutating func number() -> Int? {
    var value: UInt = 0
    for shift in stride(from: 0, to: 63, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      value |= UInt(byte & 0x7F) << UInt(shift)
      if byte < 0x80 { return Int(bitPattern: value) }
    }
    return nil
  }

  private mutating func text() -> String? {
    guard let count = number(), count >= 0, count <= rest.count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return String(validating: rest.prefix(count), as: UTF8.self)
  }

  private mutating func list<Element>(
    _ element: (inout ReadingReader) -> Element?
  ) -> [Element]? {
    // Each element takes a byte at least: no count makes us allocate more than is there.
    guard let count = number(), count >= 0, count <= rest.count else { return nil }
    var elements: [Element] = []
    for _ in 0..<count {
      guard let next = element(&self) else { return nil }
      elements.append(next)
    }
    return elements
  }

  private mutating func node(depth: Int) -> ManifestNode? {
    guard depth <= YAMLReader.greatestDepth, let kind = rest.popFirst(), let line = number(),
      let column = number()
    else { return nil }
    let content: ManifestNode.Content
    switch kind {
    case 0, 1:
      guard let text = text() else { return nil }
      content = .scalar(text, isPlain: kind == 1)
    case 2:
      guard let nodes = list({ $0.node(depth: depth + 1) }) else { return nil }
      content = .sequence(nodes)
    case 3:
      let members = list { reader -> ManifestNode.Member? in
        guard let key = reader.node(depth: depth + 1), let value = reader.node(depth: depth + 1)
        else { return nil }
        return ManifestNode.Member(key: key, value: value)
      }
      guard let members else { return nil }
      content = .mapping(members)
    default: return nil
    }
    return ManifestNode(content: content, file: file, line: line, column: column)
  }
}
