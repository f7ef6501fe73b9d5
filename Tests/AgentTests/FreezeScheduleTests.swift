import Agent
import Foundation
import Model
import Support
import Testing

@Suite struct FreezeScheduleTests {
  private func wall(_ text: String) throws -> WallTime {
    let date = try Date(text, strategy: .iso8601)
    return WallTime(milliseconds: Int(date.timeIntervalSince1970) * 1000)
  }

  private func end(_ window: FreezeWindow, _ text: String) throws -> String? {
    guard case .frozen(let until?, _) = FreezeSchedule.state([window], at: try wall(text)) else {
      return nil
    }
    return until.description
  }

  @Test func `a weekend freeze begins and ends at local midnight`() throws {
    let window = FreezeWindow(days: ["sat", "sun"], timeZone: "Europe/Paris")
    // 2026-11-21 is a Saturday; Paris is one hour ahead.
    #expect(FreezeSchedule.state([window], at: try wall("2026-11-20T22:59:59Z")) == .open)
    #expect(try end(window, "2026-11-20T23:00:00Z") == "2026-11-22T23:00:00.000Z")
    #expect(FreezeSchedule.state([window], at: try wall("2026-11-22T23:00:00Z")) == .open)
  }

  @Test func `a window that crosses midnight belongs to the day on which it begins`() throws {
    let window = FreezeWindow(days: ["fri"], fromMinute: 22 * 60, untilMinute: 6 * 60)
    #expect(try end(window, "2026-11-20T22:00:00Z") == "2026-11-21T06:00:00.000Z")
    #expect(try end(window, "2026-11-21T05:59:00Z") == "2026-11-21T06:00:00.000Z")
    #expect(FreezeSchedule.state([window], at: try wall("2026-11-20T05:00:00Z")) == .open)
    #expect(FreezeSchedule.state([window], at: try wall("2026-11-21T22:30:00Z")) == .open)
  }

  @Test func `the hours around a clock change are counted as the clocks show them`() throws {
    let window = FreezeWindow(fromMinute: 60, untilMinute: 180, timeZone: "Europe/Paris")
    // 2026-03-29: 02:00 becomes 03:00, the window lasts one hour.
    #expect(try end(window, "2026-03-29T00:00:00Z") == "2026-03-29T01:00:00.000Z")
    // 2026-10-25: 03:00 becomes 02:00, the window lasts three hours.
    #expect(try end(window, "2026-10-24T23:00:00Z") == "2026-10-25T02:00:00.000Z")
  }

  @Test func `dates are inclusive and end with the last day`() throws {
    let window = FreezeWindow(fromDate: "2026-12-20", untilDate: "2027-01-31")
    #expect(FreezeSchedule.state([window], at: try wall("2026-12-19T23:59:59Z")) == .open)
    #expect(try end(window, "2026-12-20T00:00:00Z") == nil, "beyond the horizon")
    #expect(try end(window, "2027-01-20T12:00:00Z") == "2027-02-01T00:00:00.000Z")
  }

  @Test func `windows freeze together and the first active one is named`() throws {
    let windows = [
      FreezeWindow(days: ["mon"]), FreezeWindow(days: ["sat"]), FreezeWindow(days: ["sun"]),
    ]
    let state = FreezeSchedule.state(windows, at: try wall("2026-11-21T10:00:00Z"))
    #expect(
      state == .frozen(until: try wall("2026-11-24T00:00:00Z"), window: "sat (UTC)"))
  }

  @Test(arguments: [
    FreezeWindow(timeZone: "Europe/Atlantis"), FreezeWindow(days: ["someday"]),
    FreezeWindow(fromDate: "24.12.2026"), FreezeWindow(fromMinute: 5000),
  ]) func `a window that cannot be understood freezes`(window: FreezeWindow) throws {
    guard
      case .frozen(nil, let words) = FreezeSchedule.state(
        [window], at: try wall("2026-11-21T10:00:00Z"))
    else {
      Issue.record("open")
      return
    }
    #expect(words.hasSuffix("cannot be understood, so it freezes"))
  }

  @Test func `the end is the minute at which an oracle sees all windows open`() throws {
    var random = SplitMix(seed: 20_261_121)
    let zones = [
      "UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
      "America/Sao_Paulo", "Africa/Casablanca", "Asia/Beirut",
    ]
    for _ in 0..<150 {
      let windows = (0..<Int.random(in: 1...3, using: &random)).map { _ in
        randomWindow(zones, &random)
      }
      // Around the clock changes of spring and autumn, at a whole minute.
      let base = Bool.random(using: &random) ? 1_774_500_000 : 1_792_700_000
      let start = (base + Int.random(in: 0..<(10 * 86_400), using: &random)) / 60 * 60
      let state = FreezeSchedule.state(windows, at: WallTime(milliseconds: start * 1000))
      let oracle = Oracle(windows)
      switch state {
      case .open: #expect(!oracle.isFrozen(start), "\(windows) at \(start)")
      case .frozen(let until, _):
        #expect(oracle.isFrozen(start), "\(windows) at \(start)")
        let limit = 4 * 86_400
        let first = stride(from: start, to: start + limit, by: 60).first { !oracle.isFrozen($0) }
        let end = until.map { $0.milliseconds / 1000 }
        if let first {
          #expect(end == first, "\(windows) at \(start)")
        } else {
          #expect(end ?? .max >= start + limit, "\(windows) at \(start)")
        }
      }
    }
  }

  private func randomWindow(_ zones: [String], _ random: inout SplitMix) -> FreezeWindow {
    let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    let dates = ["2026-03-27", "2026-03-29", "2026-04-02", "2026-10-24", "2026-10-25"]
    func maybe<Value>(_ value: Value) -> Value? { Bool.random(using: &random) ? value : nil }
    return FreezeWindow(
      days: names.filter { _ in Int.random(in: 0..<3, using: &random) == 0 },
      fromMinute: maybe(Int.random(in: 0..<1440, using: &random)),
      untilMinute: maybe(Int.random(in: 1...1440, using: &random)),
      fromDate: Int.random(in: 0..<4, using: &random) == 0
        ? dates.randomElement(using: &random) : nil,
      untilDate: Int.random(in: 0..<4, using: &random) == 0
        ? dates.randomElement(using: &random) : nil,
      timeZone: zones.randomElement(using: &random) ?? "UTC")
  }
}

/// Asks Foundation's calendar minute by minute; shares no code with the schedule.
private struct Oracle {
  private let windows: [(FreezeWindow, Calendar)]

  init(_ windows: [FreezeWindow]) {
    self.windows = windows.map { window in
      var calendar = Calendar(identifier: .gregorian)
      calendar.timeZone = TimeZone(identifier: window.timeZone) ?? .gmt
      return (window, calendar)
    }
  }

  func isFrozen(_ seconds: Int) -> Bool {
    windows.contains { isFrozen($0, $1, Date(timeIntervalSince1970: Double(seconds))) }
  }

  private func isFrozen(_ window: FreezeWindow, _ calendar: Calendar, _ date: Date) -> Bool {
    let now = calendar.dateComponents([.year, .month, .day, .hour, .minute, .weekday], from: date)
    let minute = (now.hour ?? 0) * 60 + (now.minute ?? 0)
    let (from, until) = (window.fromMinute ?? 0, window.untilMinute ?? 1440)
    // The day before by the calendar alone, at noon where no clock changes.
    var utc = Calendar(identifier: .gregorian)
    utc.timeZone = .gmt
    let noon = utc.date(
      from: DateComponents(year: now.year, month: now.month, day: now.day, hour: 12))
    func begins(_ daysBefore: Int) -> Bool {
      guard let noon, let day = utc.date(byAdding: .day, value: -daysBefore, to: noon) else {
        return false
      }
      let parts = utc.dateComponents([.year, .month, .day, .weekday], from: day)
      let names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
      let name = names[(parts.weekday ?? 1) - 1]
      let text = String(
        format: "%04d-%02d-%02d", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0)
      return (window.days.isEmpty || window.days.contains(name))
        && text >= window.fromDate ?? "0" && text <= window.untilDate ?? "9"
    }
    if from < until { return begins(0) && minute >= from && minute < until }
    return (begins(0) && minute >= from) || (begins(1) && minute < until)
  }
}
