/// A problem in what a user wrote: what is wrong, where, and what to do.
package struct Diagnostic: Hashable, Codable, Sendable, CustomStringConvertible {
  package enum Severity: String, Codable, Sendable {
    case error
    case warning
  }

  package var severity: Severity = .error
  /// Path in the repository.
  package var file: String
  /// From 1; 0 when the whole file is meant.
  package var line: Int = 0
  /// From 1; 0 when the whole line is meant.
  package var column: Int = 0
  package var message: String
  /// What to do about it, for example the key that was probably meant.
  package var suggestion: String?
  package init(
    severity: Severity = .error, file: String, line: Int = 0, column: Int = 0, message: String,
    suggestion: String? = nil
  ) {
    self.severity = severity
    self.file = file
    self.line = line
    self.column = column
    self.message = message
    self.suggestion = suggestion
  }

  /// `environments/web.yaml:7:3: error: unknown key "verison" (did you mean "version"?)`.
  package var description: String {
    "\(place.isEmpty ? "" : "\(place): ")\(severity.rawValue): \(sentence)"
  }

  /// `environments/web.yaml:7:3`; empty when all files together are meant.
  package var place: String {
    line == 0 ? file : column == 0 ? "\(file):\(line)" : "\(file):\(line):\(column)"
  }

  /// `unknown key "verison" (did you mean "version"?)`.
  package var sentence: String { message + (suggestion.map { " (\($0))" } ?? "") }
}
