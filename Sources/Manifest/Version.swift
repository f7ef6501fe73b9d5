/// A version's text: it is put into paths, arguments and variables as it is.
package enum Version {
  /// In words, for messages.
  package static let rule =
    "a version holds letters, digits and . - _ +, at most 128, begins with no . or -, and has no .."

  package static func isValid(_ text: String) -> Bool {
    text.wholeMatch(of: /[A-Za-z0-9_+][A-Za-z0-9._+-]{0,127}/) != nil && !text.contains("..")
  }
}
