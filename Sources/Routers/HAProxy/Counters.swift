import Foundation
import Model
import PlatformKit

/// Sessions cut at a drain deadline, by stack: counted before they are cut, so that a crash can
/// only count too many.
struct Counters: Sendable {
  let path: String
  /// A year of hourly deployments is more than anybody asks about.
  static let limit = 10_000

  func read() throws(PlatformError) -> [Generation: Int] {
    guard let text = try Files.read(path) else { return [:] }
    // A damaged file loses a number for people, nothing else.
    return (try? JSONDecoder().decode([Generation: Int].self, from: Data(text.utf8))) ?? [:]
  }

  func add(_ count: Int, to generation: Generation) throws(PlatformError) {
    var counts = try read()
    counts[generation, default: 0] += count
    while counts.count > Self.limit, let oldest = counts.keys.min() { counts[oldest] = nil }
    do {
      try Files.write(String(decoding: try JSONEncoder().encode(counts), as: UTF8.self), path)
    } catch let error as PlatformError {
      throw error
    } catch {
      throw .transient("cannot write \(path): \(error)")
    }
  }
}
