/// One reading of the clocks: an input of every decision, never read by one.
package struct Now: Hashable, Codable, Sendable {
  /// The kernel's boot id: readings of `sinceBoot` compare only within one boot.
  package var bootID: String
  /// CLOCK_BOOTTIME: goes on while the machine sleeps, never set by anyone.
  package var sinceBoot: Duration
  /// For freeze windows, signatures and display; never for a bake, drain or deadline.
  package var wall: WallTime
  package init(bootID: String, sinceBoot: Duration, wall: WallTime) {
    self.bootID = bootID
    self.sinceBoot = sinceBoot
    self.wall = wall
  }

  /// Time that passed since `earlier`: what an accumulated duration may grow by.
  ///
  /// Zero after a boot change or a step backwards; never more than `limit`, because a longer gap
  /// means that nobody was watching.
  package func elapsed(since earlier: Now, limit: Duration) -> Duration {
    guard earlier.bootID == bootID, sinceBoot > earlier.sinceBoot else { return .zero }
    return min(sinceBoot - earlier.sinceBoot, limit)
  }
}

/// Milliseconds since 1970-01-01T00:00:00Z.
package struct WallTime: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
  package var milliseconds: Int

  package init(milliseconds: Int) { self.milliseconds = milliseconds }
  package init(from decoder: any Decoder) throws {
    milliseconds = try decoder.singleValueContainer().decode(Int.self)
  }
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(milliseconds)
  }
  package static func < (a: Self, b: Self) -> Bool { a.milliseconds < b.milliseconds }

  /// RFC 3339 in UTC with milliseconds: `2026-03-01T12:00:00.000Z`.
  package var description: String {
    let (days, inDay) = Self.divide(milliseconds, by: 86_400_000)
    let (year, month, day) = Self.civil(days)
    func pad(_ value: Int, _ width: Int) -> String {
      let digits = String(value)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let (seconds, fraction) = (inDay / 1000, inDay % 1000)
    return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(pad(seconds / 3600, 2)):"
      + "\(pad(seconds / 60 % 60, 2)):\(pad(seconds % 60, 2)).\(pad(fraction, 3))Z"
  }

  private static func divide(_ value: Int, by divisor: Int) -> (quotient: Int, rest: Int) {
    let rest = ((value % divisor) + divisor) % divisor
    return ((value - rest) / divisor, rest)
  }

  /// Days since 1970-01-01 as a date of the Gregorian calendar (Hinnant's `civil_from_days`).
  private static func civil(_ daysSince1970: Int) -> (year: Int, month: Int, day: Int) {
    let (era, dayOfEra) = divide(daysSince1970 + 719_468, by: 146_097)
    let leapDays = dayOfEra / 1460 - dayOfEra / 36524 + dayOfEra / 146_096
    let yearOfEra = (dayOfEra - leapDays) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }
}
