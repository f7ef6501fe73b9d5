import Model
import Yams

extension CanonicalValue {
  /// JSON with two spaces of indentation and sorted keys. Characters that act on a terminal are
  /// written as escapes: the value is the same, the look is harmless.
  var prettyJSON: String { pretty(indentation: "") }

  private func pretty(indentation: String) -> String {
    let inner = indentation + "  "
    switch self {
    case .null, .bool, .integer: return json
    case .string(let text): return Self.quoted(text)
    case .array(let values):
      guard !values.isEmpty else { return "[]" }
      let lines = values.map { inner + $0.pretty(indentation: inner) }
      return "[\n" + lines.joined(separator: ",\n") + "\n\(indentation)]"
    case .object(let members):
      guard !members.isEmpty else { return "{}" }
      let lines = members.sorted { $0.key < $1.key }.map { key, value in
        inner + Self.quoted(key) + ": " + value.pretty(indentation: inner)
      }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(indentation)}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      case _ where scalar.isDeceptive:
        for unit in String(scalar).utf16 { quoted += "\\u" + hexadecimal(unit) }
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  private static func hexadecimal(_ unit: UInt16) -> String {
    let digits = String(unit, radix: 16)
    return String(repeating: "0", count: 4 - digits.count) + digits
  }

  /// YAML with sorted keys; everything outside ASCII as escapes.
  var yaml: String {
    do {
      return try Yams.serialize(node: node, width: -1, sortKeys: true)
    } catch {
      // JSON is YAML: an emitter that fails costs the looks, not the answer.
      return prettyJSON + "\n"
    }
  }

  private var node: Node {
    switch self {
    case .null: Node("null", Tag(.null))
    case .bool(let value): Node(value ? "true" : "false", Tag(.bool))
    case .integer(let value): Node(String(value), Tag(.int))
    case .string(let text): .scalar(Self.scalar(text))
    case .array(let values): Node(values.map(\.node), Tag(.seq))
    case .object(let members):
      Node(members.map { (.scalar(Self.scalar($0.key)), $0.value.node) }, Tag(.map))
    }
  }

  /// Text that would be read as a number, a bool, a date or null is quoted: `"1.10"`.
  private static func scalar(_ text: String) -> Node.Scalar {
    let isPlain =
      text.first?.isLetter == true
      && text.utf8.allSatisfy {
        switch $0 {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: " ./@_-".utf8.contains($0)
        }
      } && text.last != " "
      && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        .contains(text.lowercased())
    return Node.Scalar(text, Tag(.str), isPlain ? .plain : .doubleQuoted)
  }
}
