package import Model
package import PlatformKit
import Yams

/// YAML text → nodes with positions, within limits; nothing of YAML's cleverer half gets through.
package enum YAMLReader {
  /// Deeper manifests are an attack, not a manifest.
  static let greatestDepth = 32
  private static let mostDocuments = 1000
  /// Nodes of one file: a manifest of 1 MiB has fewer.
  private static let mostNodes = 100_000

  /// The documents of one file, or why it cannot be read as a whole.
  package static func documents(
    _ bytes: [UInt8], file: String
  ) -> Result<[ManifestNode], Unreadable> {
    YAMLText.decode(bytes, file).flatMap { text in
      do throws(Unreadable) {
        return .success(try read(text, file))
      } catch {
        return .failure(error)
      }
    }
  }

  package struct Unreadable: Error, Sendable {
    package var diagnostic: Diagnostic
  }

  private static func read(_ text: String, _ file: String) throws(Unreadable) -> [ManifestNode] {
    do {
      // Without a resolver every plain scalar stays text: `<<` is not merged, `1.10` not a number.
      let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
      var documents: [ManifestNode] = []
      var budget = mostNodes
      while let root = try parser.nextRoot() {
        documents.append(try convert(root, file, depth: 0, &budget))
        guard documents.count <= mostDocuments else {
          throw fail(file, "has more than \(mostDocuments) documents")
        }
      }
      return documents
    } catch let error as Unreadable {
      throw error
    } catch let error as YamlError {
      throw unreadable(error, file)
    } catch {
      throw fail(file, "\(error)")
    }
  }

  private static func convert(
    _ node: Node, _ file: String, depth: Int, _ budget: inout Int
  ) throws -> ManifestNode {
    let (line, column) = (node.mark?.line ?? 0, node.mark?.column ?? 0)
    func refuse(_ text: String) -> Unreadable { fail(file, text, line: line, column: column) }
    budget -= 1
    guard budget > 0 else { throw refuse("the file has too many nodes") }
    guard depth <= greatestDepth else { throw refuse("nested deeper than \(greatestDepth) levels") }
    guard node.anchor == nil else {
      throw refuse("anchors and aliases are not allowed; write the value out")
    }
    guard standardTags.contains(node.tag.description) else {
      throw refuse("the tag \(node.tag.description) is not allowed; write the value out")
    }
    let content: ManifestNode.Content
    switch node {
    case .scalar(let scalar):
      content = .scalar(scalar.string, isPlain: scalar.style == .plain)
    case .sequence(let sequence):
      content = .sequence(try sequence.map { try convert($0, file, depth: depth + 1, &budget) })
    case .mapping(let mapping):
      content = .mapping(try members(mapping, file, depth: depth, &budget))
    case .alias:
      throw refuse("anchors and aliases are not allowed; write the value out")
    }
    return ManifestNode(content: content, file: file, line: line, column: column)
  }

  /// What a node without a tag of its own gets.
  private static let standardTags: Set<String> = [
    "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map",
  ]

  private static func members(
    _ mapping: Node.Mapping, _ file: String, depth: Int, _ budget: inout Int
  ) throws -> [ManifestNode.Member] {
    var members: [ManifestNode.Member] = []
    var names: Set<String> = []
    for (key, value) in mapping {
      let key = try convert(key, file, depth: depth + 1, &budget)
      guard let name = key.text else {
        throw Unreadable(diagnostic: key.error("a key must be plain text"))
      }
      guard key.content != .scalar("<<", isPlain: true) else {
        throw Unreadable(diagnostic: key.error("merge keys are not allowed; write the values out"))
      }
      guard names.insert(name).inserted else {
        throw Unreadable(diagnostic: key.error("the key \"\(name)\" is there twice"))
      }
      let value = try convert(value, file, depth: depth + 1, &budget)
      members.append(ManifestNode.Member(key: key, value: value))
    }
    return members
  }

  private static func unreadable(_ error: YamlError, _ file: String) -> Unreadable {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      fail(file, "not YAML: \(problem)", line: mark.line, column: mark.column)
    case .duplicatedKeysInMapping(let keys, let context):
      fail(
        file, "the key \"\(keys.first ?? "")\" is there twice", line: context.mark.line,
        column: context.mark.column)
    default:
      fail(file, "not YAML: \(String("\(error)".prefix(200)))")
    }
  }

  private static func fail(
    _ file: String, _ message: String, line: Int = 0, column: Int = 0
  ) -> Unreadable {
    Unreadable(diagnostic: Diagnostic(file: file, line: line, column: column, message: message))
  }
}
