import Foundation
import Model
import Testing

/// What a provider said, as records hold it.
@Suite struct MetricReadingTests {
  @Test func `a plain number of an older record is a reading`() throws {
    let old = #"{"known":{"_0":0.25}}"#
    let reading = try JSONDecoder().decode(Observed<MetricReading>.self, from: Data(old.utf8))
    #expect(reading == .known(MetricReading(0.25)))
  }

  @Test func `a reading with words comes back as it was`() throws {
    let reading = MetricReading(1, words: "all is well")
    let text = try JSONEncoder().encode(reading)
    #expect(try JSONDecoder().decode(MetricReading.self, from: text) == reading)
  }
}
