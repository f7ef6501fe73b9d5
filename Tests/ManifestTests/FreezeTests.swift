import Manifest
import Model
import Testing

@Suite struct FreezeTests {
  private func state(_ window: String) -> DesiredState {
    let text = Example.environment.replacing("local }", with: "local, freeze: [{ \(window) }] }")
    return Example(environment: text).parse()
  }

  @Test func `a window is read with all its parts`() throws {
    let state = state(
      "days: [sat, sun], hours: '22:00-06:30', dates: 2026-12-24/2027-01-02, "
        + "timeZone: Europe/Paris")
    #expect(state.isComplete, "\(state.diagnostics)")
    let window = FreezeWindow(
      days: ["sat", "sun"], fromMinute: 1320, untilMinute: 390, fromDate: "2026-12-24",
      untilDate: "2027-01-02", timeZone: "Europe/Paris")
    #expect(try #require(state.targets.first).freeze == [window])
  }

  @Test(arguments: [
    "", "timeZone: Europe/Paris", "days: [sat], timeZone: Europe/Pari", "days: [sat], timeZone: ''",
    "days: [sat], timeZone: ../../../etc/passwd", "days: [saturday]", "hours: '24:00-06:00'",
    "hours: '22:00'", "hours: '22:00-22:00'", "hours: '22-06'", "hours: '-1:00-06:00'",
    "hours: '+1:00-06:00'", "dates: 2026-12-24", "dates: 2026-12-24/2026-12-23",
    "dates: 2026-02-29/2026-03-01", "dates: 2026-13-01/2027-01-01", "dates: 2026-+1-01/2027-01-01",
    "from: 2026-12-24",
  ]) func `a window that says nothing or something impossible is refused`(_ window: String) {
    let state = state(window)
    #expect(!state.isComplete, "\(window) passed")
    #expect(state.broken == [web])
  }
}
