import Foundation

/// Lines that are drawn anew in place on a terminal, and printed once per change elsewhere.
struct Screen {
  let isLive: Bool
  private var shown: [String] = []

  init(isLive: Bool) { self.isLive = isLive }

  mutating func show(_ lines: [String]) {
    guard lines != shown else { return }
    if isLive, !shown.isEmpty { print("\u{1B}[\(shown.count)A\u{1B}[J", terminator: "") }
    for line in lines { print(line) }
    fflush(nil)
    shown = lines
  }
}
