import Foundation
import PlatformKit

/// What Prometheus answers to an instant query: `https://prometheus.io/docs/prometheus/latest/querying/api/`.
struct QueryAnswer {
  /// nil: no series fits.
  let number: Double?

  /// Errors: `.rejected` for a query that it does not understand or that gives more than one number;
  /// `.transient` for anything else that is no answer.
  init(_ body: [UInt8], status: Int) throws(PlatformError) {
    let reply: Reply
    do {
      reply = try JSONDecoder().decode(Reply.self, from: Data(body))
    } catch {
      throw .transient("Prometheus answered \(status), and nothing that it should")
    }
    guard reply.status == "success", let data = reply.data else {
      let text = "Prometheus: \((reply.error ?? "answered \(status)").prefix(300))"
      throw reply.errorType == "bad_data" ? .rejected(fault: .stack, text) : .transient(text)
    }
    switch data.result {
    case .scalar(let value): number = value
    case .vector(let values):
      guard values.count <= 1 else {
        throw .rejected(
          fault: .stack, "Prometheus gives \(values.count) series: the query must give one number")
      }
      number = values.first
    }
  }
}

private struct Reply: Decodable {
  var status: String
  var errorType: String?
  var error: String?
  var data: Contents?
}

private struct Contents: Decodable {
  enum Result {
    case scalar(Double)
    case vector([Double])
  }

  var result: Result

  private enum Key: String, CodingKey { case resultType, result }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    switch try container.decode(String.self, forKey: .resultType) {
    case "scalar": result = .scalar(try container.decode(Sample.self, forKey: .result).value)
    case "vector":
      result = .vector(try container.decode([Series].self, forKey: .result).map(\.value.value))
    case let other:
      throw DecodingError.dataCorruptedError(
        forKey: .resultType, in: container, debugDescription: "\(other) is no number")
    }
  }
}

private struct Series: Decodable {
  var value: Sample
}

/// `[1772452800.1, "0.25"]`; also `"NaN"` and `"+Inf"`.
private struct Sample: Decodable {
  var value: Double

  init(from decoder: any Decoder) throws {
    var container = try decoder.unkeyedContainer()
    _ = try container.decode(Double.self)
    let text = try container.decode(String.self)
    guard let value = Double(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "\(text) is no number")
    }
    self.value = value
  }
}
