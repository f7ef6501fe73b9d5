import Foundation
package import Model
package import PlatformKit

/// Secrets in files of one directory: `${secret:file:NAME}`.
package struct SecretFiles: SecretReader {
  private let directory: String?
  private let key: IdentityKey

  /// A larger file is not a secret but a mistake.
  private static let largestBytes = 64 * 1024

  /// `directory`: from the agent's configuration; nil when it names none.
  package init(directory: String?, key: IdentityKey) {
    self.directory = directory
    self.key = key
  }

  package func read(
    _ name: String
  ) async throws(PlatformError) -> (value: Secret, version: String) {
    guard name.hasPrefix("file:") else {
      throw .rejected(fault: .stack, "secret \"\(name)\": only ${secret:file:NAME} is known")
    }
    let file = String(name.dropFirst(5))
    guard let directory else {
      throw .rejected(
        fault: .platform,
        "secret \"\(name)\": set secrets.directory in the agent's configuration")
    }
    guard !file.isEmpty, !file.hasPrefix("."), !file.contains("/"), !file.contains("\0") else {
      throw .rejected(fault: .stack, "secret \"\(name)\": NAME is a plain file name")
    }
    guard let data = FileManager.default.contents(atPath: "\(directory)/\(file)") else {
      throw .transient("secret \"\(name)\": \(directory)/\(file) cannot be read")
    }
    guard data.count <= Self.largestBytes, let text = String(data: data, encoding: .utf8) else {
      throw .rejected(fault: .platform, "secret \"\(name)\": not UTF-8 text of at most 64 KiB")
    }
    let value = text.hasSuffix("\n") ? String(text.dropLast()) : text
    let version = "hmac:" + key.code(of: Array(value.utf8), purpose: "secret/\(name)")
    return (Secret(value), version)
  }
}
