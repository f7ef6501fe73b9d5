import Foundation
import Model
import Testing

/// The form must stay the one that ledgers hold, and what Foundation reads.
@Suite struct CanonicalJSONTests {
  private struct Everything: Codable, Equatable {
    enum Choice: Codable, Equatable {
      case plain
      case labelled(text: String, Int?)
      indirect case nested([Choice])
    }

    struct Nothing: Codable, Equatable {}

    var zebra = "last, \"quoted\" \\ / \u{7} \n é 🦓"
    var absent: Int?
    var flag = true
    var numbers: [Int] = [-1, 0, 1 << 40]
    var large = UInt64.max
    var durations: [String: Duration] = ["b": .milliseconds(1500), "a": .zero, "": .seconds(-3)]
    var byGeneration: [Generation: Nothing] = [12: Nothing(), 3: Nothing()]
    var choices: [Choice] = [.plain, .labelled(text: "x", nil), .nested([.plain])]
    var canonical: CanonicalValue = ["k": [1, true, .null, "v"]]
    var target = TargetID("web", "production")
    var aardvark: [[Bool]] = [[], [false]]
  }

  @Test func `it is what Foundation writes with sorted keys`() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var value = Everything()
    // The one difference that is only one of form: how a control character is written.
    value.zebra = value.zebra.filter { $0 != "\n" && $0 != "\u{7}" }
    let foundation = String(decoding: try encoder.encode(value), as: UTF8.self)
    #expect(try CanonicalJSON.text(value) == foundation)
  }

  @Test func `Foundation reads back what was written`() throws {
    let text = try CanonicalJSON.text(Everything())
    let read = try JSONDecoder().decode(Everything.self, from: Data(text.utf8))
    #expect(read == Everything())
  }

  @Test func `a number with a fraction is written as short as it reads back the same`() throws {
    let numbers = [1.5, 0.1, 1e-05, -2e300, 1, 0.1 + 0.2]
    let text = try CanonicalJSON.text(numbers)
    #expect(text == "[1.5,0.1,1e-05,-2e+300,1.0,0.30000000000000004]")
    #expect(try CanonicalJSON.value([Double].self, from: text) == numbers)
    for nothing in [Double.nan, .infinity, -.infinity] {
      #expect(throws: EncodingError.self) { try CanonicalJSON.text([nothing]) }
    }
  }

  @Test func `what was written is read back`() throws {
    let value = Everything()
    #expect(try CanonicalJSON.value(Everything.self, from: try CanonicalJSON.text(value)) == value)
  }

  @Test func `it reads what Foundation writes, escapes and white space included`() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted]
    let text = String(decoding: try encoder.encode(Everything()), as: UTF8.self)
    #expect(try CanonicalJSON.value(Everything.self, from: text) == Everything())
    let escaped = #"["\u00e9\ud83e\udd93\n\t\/\\\"","x"]"#
    #expect(try CanonicalJSON.value([String].self, from: escaped) == ["é🦓\n\t/\\\"", "x"])
    let numbers = "[1.5, -2e3, 0]"
    #expect(try CanonicalJSON.value([Double].self, from: numbers) == [1.5, -2000, 0])
  }

  @Test(arguments: [
    "", "{", "[1,", "[1 2]", #"{"a" 1}"#, #"{"a":1,}"#, "nul", #""x"#, "\"\u{1}\"", "1 2",
    #""\ud800x""#, #""\u12""#, #""\q""#, "@", String(repeating: "[", count: 100_000),
  ])
  func `what is no JSON is refused`(_ text: String) {
    #expect(throws: DecodingError.self) { try CanonicalJSON.value([Int].self, from: text) }
    #expect(throws: DecodingError.self) { try CanonicalJSON.value(CanonicalValue.self, from: text) }
  }

  @Test func `what has another shape is refused`() {
    #expect(throws: DecodingError.self) { try CanonicalJSON.value([Int].self, from: "[1.5]") }
    #expect(throws: DecodingError.self) { try CanonicalJSON.value([UInt8].self, from: "[256]") }
    #expect(throws: DecodingError.self) { try CanonicalJSON.value(Everything.self, from: "{}") }
    #expect(throws: DecodingError.self) { try CanonicalJSON.value(String.self, from: "[]") }
  }
}
