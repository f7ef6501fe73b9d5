import Glibc

extension Int {
  /// `12,345`
  var grouped: String {
    let digits = Array(String(magnitude))
    var text = ""
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return self < 0 ? "-" + text : text
  }
}

extension Double {
  /// Three digits that count: `0.00123`, `1.5`, `12,300`, `4.57e-9`; no locale, no rounding to 0.
  var text: String {
    guard isFinite else { return "\(self)" }
    guard self != 0 else { return "0" }
    let exponent = Int(log10(abs(self)).rounded(.down))
    guard exponent >= -5, exponent < 7 else {
      return "\((self / pow(10, Double(exponent))).text)e\(exponent)"
    }
    let digits = Int((abs(self) / pow(10, Double(exponent - 2))).rounded())
    let sign = self < 0 ? "-" : ""
    guard exponent < 2 else {
      return sign + (digits * Int(pow(10, Double(exponent - 2)))).grouped
    }
    let scale = Int(pow(10, Double(2 - exponent)))
    var fraction = String(String(scale + digits % scale).dropFirst())
    while fraction.last == "0" { fraction.removeLast() }
    return sign + "\(digits / scale)" + (fraction.isEmpty ? "" : ".\(fraction)")
  }

  /// A share as `0.103 %`.
  var percentText: String { "\((self * 100).text) %" }

  /// A difference of shares as `0.62 points`: of percent, not percent of something.
  var pointsText: String {
    let number = (self * 100).text
    return number == "1" ? "1 point" : "\(number) points"
  }

  /// An e-value, of which this is the natural logarithm.
  var evidenceText: String {
    let exponent = self / log(10)
    return exponent < 6 ? exp(self).text : "10^\(Int(exponent.rounded(.down)).grouped)"
  }
}
