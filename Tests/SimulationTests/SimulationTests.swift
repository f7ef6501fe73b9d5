import Simulation
import Testing

@Suite struct SimulationTests {
  @Test func `a seed gives the same history every time`() {
    let outcomes = (0..<2).map { _ in Simulation(Schedule(seed: 7)).run() }
    #expect(outcomes[0].hash == outcomes[1].hash)
  }
}
