/// Text that others wrote (versions, commit messages, drift values), made harmless to look at.
extension String {
  /// Control characters, line breaks, text direction marks and invisible characters as visible
  /// escapes: nothing can move the cursor, forge a line or hide a word.
  package var visible: String {
    guard unicodeScalars.contains(where: \.isDeceptive) else { return self }
    var text = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case "\r": text += "\\r"
      case _ where scalar.isDeceptive: text += "\\u{\(String(scalar.value, radix: 16))}"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// Columns on a terminal: wide characters take two, combining ones none.
  var columns: Int { unicodeScalars.reduce(0) { $0 + $1.columns } }

  /// Padded with spaces to `width` columns.
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - columns))
  }
}

extension Unicode.Scalar {
  /// Acts on the display instead of being displayed.
  var isDeceptive: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
      .unassigned:
      true
    default:
      properties.isVariationSelector || properties.isDefaultIgnorableCodePoint
    }
  }

  var columns: Int {
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark: return 0
    default: break
    }
    switch value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
      0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF,
      0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }
}
