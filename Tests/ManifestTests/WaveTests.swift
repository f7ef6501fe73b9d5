import Manifest
import Model
import Testing

/// `wave` of an environment.
@Suite struct WaveTests {
  private func read(_ wave: String) -> DesiredState {
    let environment = Example.environment.replacing(
      "platform: local", with: "platform: local, wave: \(wave)")
    return Example(environment: environment).parse()
  }

  @Test func `each target of the environment knows how many may roll out`() {
    #expect(read("{ targets: 3 }").targets.map(\.wave) == [3])
    // Of one target 20 % are none, and none would be for ever.
    #expect(read("{ percent: 20 }").targets.map(\.wave) == [1])
    #expect(Example().parse().targets.map(\.wave) == [nil])
  }

  @Test(arguments: ["{}", "{ targets: 1, percent: 20 }"]) func `it has one of both`(
    _ wave: String
  ) {
    let state = read(wave)
    #expect(state.diagnostics.map(\.message) == ["\"wave\" has either targets or percent"])
    #expect(state.targets.isEmpty && state.broken.count == 1)
  }
}
