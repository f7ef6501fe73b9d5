import Manifest
import Model
import PlatformKit

/// Lays the values of flags and variables over the file's, before anything is checked: they follow
/// the same rules, and what is wrong with one is said with its name in place of file and line.
struct ConfigurationOverlay {
  /// By key of the setting; of more than one value of a setting that is no list, the last counts.
  let flags: [String: [String]]
  let variables: [String: String]

  func applied(to file: ManifestNode) throws(AgentError) -> ManifestNode {
    var node = file
    for setting in ConfigurationSetting.all {
      if let value = try value(of: setting) { node.set(setting.path, to: value) }
    }
    return node
  }

  /// A flag before a variable. An empty variable is one that is not set.
  private func value(of setting: ConfigurationSetting) throws(AgentError) -> ManifestNode? {
    if let texts = flags[setting.key], !texts.isEmpty {
      return try value(of: setting, texts, from: setting.flag)
    }
    guard let text = variables[setting.variable], !text.isEmpty else { return nil }
    return try value(of: setting, [text], from: setting.variable)
  }

  private func value(
    of setting: ConfigurationSetting, _ texts: [String], from origin: String
  ) throws(AgentError) -> ManifestNode {
    guard !texts.contains("") else { throw .startup("\(origin) has no value") }
    guard setting.isList else {
      return ManifestNode(
        content: .scalar(texts.last ?? "", isPlain: !setting.isText), file: origin, line: 0,
        column: 0)
    }
    var items: [ManifestNode] = []
    for text in texts { items += try parse(text, from: origin) }
    return ManifestNode(content: .sequence(items), file: origin, line: 0, column: 0)
  }

  /// YAML, and so JSON, too: a list, or one item of it.
  private func parse(_ text: String, from origin: String) throws(AgentError) -> [ManifestNode] {
    switch YAMLReader.documents(Array(text.utf8), file: origin) {
    case .failure(let problem): throw .startup(problem.diagnostic.description)
    case .success(let nodes):
      guard nodes.count == 1, let node = nodes.first else {
        throw .startup("\(origin): expected one list or one item of it, in YAML")
      }
      guard case .sequence(let items) = node.content else { return [node] }
      return items
    }
  }
}

extension ConfigurationSetting {
  /// Plain text is taken as it is: `true` or `null` are texts here.
  fileprivate var isText: Bool {
    if case .text = field.type { true } else { false }
  }
}

extension ManifestNode {
  /// Where the file has something else than the mapping that the path needs, that stays, and is
  /// found wrong.
  fileprivate mutating func set(_ path: [String], to value: ManifestNode) {
    guard let name = path.first else {
      self = value
      return
    }
    guard case .mapping(var members) = content else { return }
    if let index = members.firstIndex(where: { $0.name == name }) {
      members[index].value.set(Array(path.dropFirst()), to: value)
    } else {
      let key = ManifestNode(
        content: .scalar(name, isPlain: true), file: value.file, line: 0, column: 0)
      var inner = ManifestNode(content: .mapping([]), file: value.file, line: 0, column: 0)
      inner.set(Array(path.dropFirst()), to: value)
      members.append(Member(key: key, value: inner))
    }
    content = .mapping(members)
  }
}
