import Model

/// Reads a mapping that `problems(_:)` found right: a missing key is nil, never an error.
package struct MappingReader: Sendable {
  package let node: ManifestNode

  package init(_ node: ManifestNode) { self.node = node }

  /// The value of a key.
  package subscript(_ key: String) -> ManifestNode? {
    guard case .mapping(let members) = node.content else { return nil }
    return members.first { $0.name == key }?.value
  }

  /// The keys in the file's order, those that begin with `x-` left out.
  package var members: [ManifestNode.Member] {
    guard case .mapping(let members) = node.content else { return [] }
    return members.filter { !$0.name.hasPrefix("x-") }
  }

  package func text(_ key: String) -> String? { self[key]?.text }
  package func integer(_ key: String) -> Int? { text(key).flatMap { Int($0) } }
  package func decimal(_ key: String) -> Double? { text(key).flatMap { Double($0) } }
  package func bool(_ key: String) -> Bool? { text(key).map { $0 == "true" } }
  package func duration(_ key: String) -> Duration? { text(key).flatMap(Duration.init(parsing:)) }

  package func choice<Value: RawRepresentable<String>>(_ key: String) -> Value? {
    text(key).flatMap(Value.init(rawValue:))
  }

  package func mapping(_ key: String) -> MappingReader? {
    guard let node = self[key], case .mapping = node.content else { return nil }
    return MappingReader(node)
  }

  /// The nodes of a list; a single node counts as a list of one.
  package func list(_ key: String) -> [ManifestNode] {
    guard let node = self[key] else { return [] }
    guard case .sequence(let nodes) = node.content else { return [node] }
    return nodes
  }

  /// A mapping of texts.
  package func texts(_ key: String) -> [String: String] {
    let pairs = (mapping(key)?.members ?? []).compactMap { member in
      member.value.text.map { (member.name, $0) }
    }
    return Dictionary(pairs) { first, _ in first }
  }
}

extension ManifestNode {
  /// The scalar's text as written.
  package var text: String? {
    guard case .scalar(let text, _) = content else { return nil }
    return text
  }
}
