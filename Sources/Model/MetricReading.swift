/// One number of a provider of metrics.
package struct MetricReading: Hashable, Codable, Sendable {
  package var number: Double
  /// What the provider says of it, for people; nil: nothing.
  package var words: String?
  package init(_ number: Double, words: String? = nil) {
    self.number = number
    self.words = words
  }

  /// Also the plain number that records held before providers had words.
  package init(from decoder: any Decoder) throws {
    if let number = try? decoder.singleValueContainer().decode(Double.self) {
      self.init(number)
      return
    }
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try fields.decode(Double.self, forKey: .number),
      words: try fields.decodeIfPresent(String.self, forKey: .words))
  }
}
