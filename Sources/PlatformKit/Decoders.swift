package import Model

/// A node of a manifest with its position: what decoders of workloads and routes read.
///
/// Scalars are text: `1.10` is not `1.1`.
package struct ManifestNode: Hashable, Sendable {
  package indirect enum Content: Hashable, Sendable {
    /// `isPlain` is false for quoted text, which is never a number, a bool or null.
    case scalar(String, isPlain: Bool)
    case sequence([ManifestNode])
    case mapping([Member])
  }

  package struct Member: Hashable, Sendable {
    package var key: ManifestNode
    package var value: ManifestNode
    package init(key: ManifestNode, value: ManifestNode) {
      self.key = key
      self.value = value
    }

    /// The key's text.
    package var name: String {
      guard case .scalar(let text, _) = key.content else { return "" }
      return text
    }
  }

  package var content: Content
  package var file: String
  /// From 1.
  package var line: Int
  package var column: Int
  package init(content: Content, file: String, line: Int, column: Int) {
    self.content = content
    self.file = file
    self.line = line
    self.column = column
  }

  /// An error at this node.
  package func error(_ message: String, suggestion: String? = nil) -> Diagnostic {
    Diagnostic(file: file, line: line, column: column, message: message, suggestion: suggestion)
  }
}

/// Values for the substitutions a manifest may use. `${port}`, `${generation}` and `${secret:…}`
/// stay symbolic: they are known only at launch.
package struct Substitutions: Hashable, Sendable {
  package var version: String
  package var application: ApplicationName
  package var environment: EnvironmentName
  package init(version: String, application: ApplicationName, environment: EnvironmentName) {
    self.version = version
    self.application = application
    self.environment = environment
  }
}

/// Turns the payload of one kind of workload into its canonical form.
package protocol WorkloadDecoder: Sendable {
  /// The key below `spec.workload`: `process`.
  var kind: String { get }

  /// The longest stack name the platform takes, in bytes.
  var nameLimit: Int { get }

  /// Whether a command can be run beside an instance, as a health check.
  var runsCommands: Bool { get }

  /// JSON Schema of the payload (draft 2020-12).
  var schema: CanonicalValue { get }

  /// The canonical payload and its inputs; all problems found are thrown together.
  func decode(
    _ node: ManifestNode, _ substitutions: Substitutions
  ) throws(DecodingProblems) -> DecodedWorkload
}

package struct DecodedWorkload: Hashable, Sendable {
  package var payload: CanonicalValue
  package var inputs: [InputReference]
  /// Problems that do not reject the document.
  package var warnings: [Diagnostic] = []
  package init(payload: CanonicalValue, inputs: [InputReference], warnings: [Diagnostic] = []) {
    self.payload = payload
    self.inputs = inputs
    self.warnings = warnings
  }
}

/// Turns the payload of `spec.route` into its canonical form.
package protocol RouteDecoder: Sendable {
  var schema: CanonicalValue { get }

  /// `mode` is the target's traffic mode, never `none`.
  func decode(
    _ node: ManifestNode, mode: TrafficPolicy.Mode
  ) throws(DecodingProblems) -> CanonicalValue

  /// What two targets must not share, such as a listen address; compared over all sources.
  func claims(_ declaration: CanonicalValue) -> [String]
}

/// At least one problem of severity error.
package struct DecodingProblems: Error, Hashable, Sendable {
  package var diagnostics: [Diagnostic]
  package init(diagnostics: [Diagnostic]) {
    self.diagnostics = diagnostics
  }
}
