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

  @Test func `a floating-point number has no one written form`() {
    #expect(throws: EncodingError.self) { try CanonicalJSON.text([1.5]) }
  }
}
