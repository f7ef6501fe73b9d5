import Foundation
package import Model

/// Whether freeze windows allow something new now: calendar arithmetic, no clock.
///
/// A window that crosses midnight belongs to the day on which it begins: `days: [fri]`, 22:00 to
/// 06:00 ends on Saturday morning. A window that cannot be understood freezes, for a typing error
/// must not open production.
package enum FreezeSchedule {
  package enum State: Hashable, Sendable {
    case open
    /// `until`: the first moment at which no window is active; nil when there is none within
    /// `horizonDays`. `window`: the first active window in words.
    case frozen(until: WallTime?, window: String)
  }

  /// How far the end is looked for: two weeks show every pattern of weekdays, and bound the work.
  package static let horizonDays = 15

  /// The state at `wall`; several windows freeze together.
  package static func state(_ windows: [FreezeWindow], at wall: WallTime) -> State {
    let zoned = windows.map { ZonedWindow($0) }
    guard let active = zoned.first(where: { $0.isActive(at: wall) }) else { return .open }
    return .frozen(until: end(zoned, after: wall), window: active.words)
  }

  /// Steps from one moment at which any window may change to the next.
  private static func end(_ windows: [ZonedWindow], after wall: WallTime) -> WallTime? {
    let horizon = WallTime(milliseconds: wall.milliseconds + horizonDays * 86_400_000)
    var moment = wall
    while moment < horizon {
      guard let active = windows.first(where: { $0.isActive(at: moment) }) else { return moment }
      guard let next = active.nextChange(after: moment) else { return nil }
      moment = next
    }
    return windows.contains { $0.isActive(at: moment) } ? nil : moment
  }
}

/// A window with its parts understood.
private struct ZonedWindow {
  private let window: FreezeWindow
  private let zone: TimeZone?
  private let weekdays: Set<Int>?
  private let dates: (first: Int, last: Int)?

  init(_ window: FreezeWindow) {
    self.window = window
    zone = TimeZone(identifier: window.timeZone)
    let numbers = window.days.map { Self.dayNames.firstIndex(of: $0) }
    weekdays = numbers.contains(nil) ? nil : Set(numbers.compactMap { $0 })
    let first = window.fromDate.map(Self.dayNumber) ?? .some(.min)
    let last = window.untilDate.map(Self.dayNumber) ?? .some(.max)
    if let first, let last { dates = (first, last) } else { dates = nil }
  }

  private static let dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
  private static let dayMilliseconds = 86_400_000

  private var from: Int { (window.fromMinute ?? 0) * 60_000 }
  private var until: Int { (window.untilMinute ?? 1440) * 60_000 }
  /// An empty window would be a mistake; read as the 24 hours that begin at `from`.
  private var crossesMidnight: Bool { from >= until }

  private var parts: (zone: TimeZone, weekdays: Set<Int>, dates: (first: Int, last: Int))? {
    let minutes = 0...1440
    guard let zone, let weekdays, let dates, minutes.contains(window.fromMinute ?? 0),
      minutes.contains(window.untilMinute ?? 1440)
    else { return nil }
    return (zone, weekdays, dates)
  }

  func isActive(at wall: WallTime) -> Bool {
    guard let parts else { return true }
    let (day, inDay) = local(wall, parts.zone)
    func begins(_ day: Int) -> Bool {
      // 1970-01-01 was a Thursday.
      let weekday = ((day + 3) % 7 + 7) % 7
      return (parts.weekdays.isEmpty || parts.weekdays.contains(weekday))
        && day >= parts.dates.first && day <= parts.dates.last
    }
    guard crossesMidnight else { return begins(day) && inDay >= from && inDay < until }
    return (begins(day) && inDay >= from) || (begins(day - 1) && inDay < until)
  }

  /// The next moment at which the answer may differ; nil when that is never.
  func nextChange(after wall: WallTime) -> WallTime? {
    guard let parts else { return nil }
    let isEveryDay =
      window.fromMinute == nil && window.untilMinute == nil
      && (parts.weekdays.isEmpty || parts.weekdays.count == 7)
    let (day, inDay) = local(wall, parts.zone)
    if isEveryDay {
      guard parts.dates.last < .max else { return nil }
      // Far from the last date it is still active: two days are left for the clock changes.
      let sure = parts.dates.last - day - 2
      if sure > 0 {
        return WallTime(milliseconds: wall.milliseconds + sure * Self.dayMilliseconds)
      }
    }
    let next = [from, until, Self.dayMilliseconds].filter { $0 > inDay }.min()
    let distance = (next ?? Self.dayMilliseconds) - inDay
    return step(wall, by: distance, parts.zone)
  }

  /// `wall` + `distance`, or the clock change in between: before it the local time runs evenly.
  private func step(_ wall: WallTime, by distance: Int, _ zone: TimeZone) -> WallTime {
    let before = offset(wall, zone)
    let target = WallTime(milliseconds: wall.milliseconds + distance)
    guard offset(target, zone) != before else { return target }
    var (low, high) = (wall.milliseconds, target.milliseconds)
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if offset(WallTime(milliseconds: middle), zone) == before {
        low = middle
      } else {
        high = middle
      }
    }
    return WallTime(milliseconds: high)
  }

  /// Days since 1970-01-01 and milliseconds since midnight, as clocks on the wall there show.
  private func local(_ wall: WallTime, _ zone: TimeZone) -> (day: Int, inDay: Int) {
    let shown = wall.milliseconds + offset(wall, zone)
    let inDay = ((shown % Self.dayMilliseconds) + Self.dayMilliseconds) % Self.dayMilliseconds
    return ((shown - inDay) / Self.dayMilliseconds, inDay)
  }

  private func offset(_ wall: WallTime, _ zone: TimeZone) -> Int {
    let date = Date(timeIntervalSince1970: (Double(wall.milliseconds) / 1000).rounded(.down))
    return zone.secondsFromGMT(for: date) * 1000
  }

  /// `2026-12-24` as days since 1970-01-01 (Hinnant's `days_from_civil`); nil for no date.
  private static func dayNumber(_ text: String) -> Int? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.map(\.count) == [4, 2, 2], text.utf8.allSatisfy({ $0 == 0x2D || isDigit($0) }),
      let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
      (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  /// `sat, sun, 22:00 to 06:00, 2026-12-24 to 2027-01-02 (Europe/Paris)`.
  var words: String {
    func clock(_ minute: Int) -> String {
      func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
      return "\(two(minute / 60)):\(two(minute % 60))"
    }
    var words = window.days.isEmpty ? [] : [window.days.joined(separator: ", ")]
    if window.fromMinute != nil || window.untilMinute != nil {
      words.append("\(clock(window.fromMinute ?? 0)) to \(clock(window.untilMinute ?? 1440))")
    }
    switch (window.fromDate, window.untilDate) {
    case (let from?, let until?): words.append("\(from) to \(until)")
    case (let from?, nil): words.append("from \(from)")
    case (nil, let until?): words.append("until \(until)")
    case (nil, nil): break
    }
    let text = (words.isEmpty ? "always" : words.joined(separator: ", ")) + " (\(window.timeZone))"
    return parts == nil ? "\(text): cannot be understood, so it freezes" : text
  }
}
