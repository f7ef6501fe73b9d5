package import PlatformKit

/// A field of `viridian.yaml` that is also a flag and a variable: every one that is not a mapping;
/// a list as a whole. Made from `ConfigurationFields`, the one table.
package struct ConfigurationSetting: Sendable {
  /// From the top: `alerts`, `webhook`, `secretFile`.
  package let path: [String]
  package let field: Field

  package static let all = settings(of: ConfigurationFields.all, below: [])

  /// `alerts.webhook.secretFile`.
  package var key: String { path.joined(separator: ".") }

  /// `--alerts-webhook-secret-file`.
  package var flag: String { "--" + words.joined(separator: "-") }

  /// `VIRIDIAN_ALERTS_WEBHOOK_SECRET_FILE`.
  package var variable: String {
    "VIRIDIAN_" + words.joined(separator: "_").uppercased()
  }

  package var isList: Bool {
    if case .list = field.type { true } else { false }
  }

  private var words: [String] {
    path.map { part in
      part.reduce(into: "") { text, letter in
        text += letter.isUppercase ? "-\(letter.lowercased())" : "\(letter)"
      }
    }.flatMap { $0.split(separator: "-").map(String.init) }
  }

  private static func settings(of fields: [Field], below path: [String]) -> [ConfigurationSetting] {
    fields.flatMap { field -> [ConfigurationSetting] in
      let here = path + [field.name]
      guard case .mapping(let inner) = field.type else {
        return [ConfigurationSetting(path: here, field: field)]
      }
      return settings(of: inner, below: here)
    }
  }
}
