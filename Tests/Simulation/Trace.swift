/// What happened, for people, and its hash, for comparisons.
struct Trace {
  private(set) var lines: [String] = []
  private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  private let isTold: Bool

  init(isTold: Bool) { self.isTold = isTold }

  mutating func note(_ now: Moment, _ who: String, _ what: () -> String) {
    let text = what()
    hash = mix(hash ^ UInt64(now))
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    guard isTold else { return }
    let time = "\(now / 1000).\(String(1000 + now % 1000).dropFirst())"
    lines.append("\(String(repeating: " ", count: max(0, 8 - time.count)))\(time) \(who): \(text)")
  }
}
