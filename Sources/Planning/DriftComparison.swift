package import Model

/// Compares what is live with what was launched: pure, quiet, and never more sure than it may be.
package enum DriftComparison {
  /// Sorted findings. What cannot be read, or is not known to the fingerprint, is NOT_CHECKED.
  ///
  /// `fingerprint`: nil when it was lost; declared fields are then those that the platform computes
  /// from the spec, and settled ones are not checked. `ignore`: globs over JSON pointers.
  package static func findings(
    _ inspection: Inspection, against fingerprint: Fingerprint?, ignoring ignore: [String],
    stack name: String
  ) -> [Finding] {
    let expected = (fingerprint?.declared ?? inspection.declared)
      .merging(fingerprint?.settled ?? [:]) { declared, _ in declared }
    let isComplete = fingerprint?.schema == inspection.schema
    let fields = Set(expected.keys).union(inspection.readings.keys).sorted()
    let patterns = ignore.map(PointerPattern.init)
    return fields.compactMap { field in
      guard !patterns.contains(where: { $0.matches(field.pointer) }) else { return nil }
      guard
        let word = word(
          of: field, expected[field], inspection.readings[field], inspection, isComplete)
      else { return nil }
      var actual: String?
      if case .value(let value) = inspection.readings[field] { actual = value }
      if case .unreadable(let reason) = inspection.readings[field] { actual = reason }
      return Finding(
        word: word, resource: "\(name) \(field.resource)", path: field.pointer,
        expected: expected[field], actual: actual, actor: inspection.actors[field])
    }
  }

  private static func word(
    of field: FieldPath, _ expected: String?, _ reading: FieldReading?, _ inspection: Inspection,
    _ isComplete: Bool
  ) -> Finding.Word? {
    guard let expected else {
      switch reading {
      case nil, .absent: return nil
      // Nothing is known that it could be compared with.
      case .unreadable: return .notChecked
      case .value: return isComplete && isExhaustive(field, inspection) ? .added : .notChecked
      }
    }
    switch reading {
    case nil, .unreadable: return .notChecked
    case .absent: return .deleted
    case .value(let actual): return actual == expected ? nil : .modified
    }
  }

  /// All fields below one of the prefixes are listed, so one that was not there was added.
  static func isExhaustive(_ field: FieldPath, _ inspection: Inspection) -> Bool {
    inspection.exhaustive.contains { prefix in
      prefix.resource == field.resource
        && (prefix.pointer.isEmpty || field.pointer == prefix.pointer
          || field.pointer.hasPrefix(prefix.pointer + "/"))
    }
  }
}

/// A glob over JSON pointers: `*` stands for any text within one part, `**` for any parts.
package struct PointerPattern: Hashable, Sendable {
  private let parts: [[Character]]

  package init(_ text: String) { parts = Self.split(text) }

  /// Takes at most parts × parts and characters × characters steps, whatever the pattern.
  package func matches(_ pointer: String) -> Bool {
    Self.matches(
      parts, Self.split(pointer), isAny: { $0 == ["*", "*"] },
      fits: { part, text in
        Self.matches(part, text, isAny: { $0 == "*" }, fits: { $0 == $1 })
      })
  }

  private static func split(_ text: String) -> [[Character]] {
    text.split(separator: "/", omittingEmptySubsequences: true).map(Array.init)
  }

  /// Greedy matching that goes back only to the last wild card.
  private static func matches<Element>(
    _ pattern: [Element], _ text: [Element], isAny: (Element) -> Bool,
    fits isEqual: (Element, Element) -> Bool
  ) -> Bool {
    var (p, t) = (0, 0)
    var last: (p: Int, t: Int)?
    while t < text.count {
      if p < pattern.count, isAny(pattern[p]) {
        last = (p, t)
        p += 1
      } else if p < pattern.count, isEqual(pattern[p], text[t]) {
        (p, t) = (p + 1, t + 1)
      } else if let (wild, from) = last {
        last = (wild, from + 1)
        (p, t) = (wild + 1, from + 1)
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy(isAny)
  }
}
