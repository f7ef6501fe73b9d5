import Model
import Planning
import Testing

/// What a rolling rollout goes through, for all small numbers of instances.
@Suite struct RollingBoundsTests {
  @Test func `one instance more at a time`() {
    let steps = RollingBounds(instances: 4, surge: 1, unavailable: 0).steps(from: 4, bake: .zero)
    #expect(steps.map(\.instances) == [1, 2, 3, 4])
    #expect(steps.map(\.weightPercent) == [25, 50, 75, 100])
  }

  @Test func `in place, half at a time`() {
    let steps = RollingBounds(instances: 4, surge: 0, unavailable: 2).steps(from: 4, bake: .zero)
    #expect(steps.map(\.instances) == [2, 4])
    #expect(steps.map(\.weightPercent) == [100, 100])
  }

  @Test func `more are declared than before, or fewer`() {
    let more = RollingBounds(instances: 4, surge: 2, unavailable: 0).steps(from: 1, bake: .zero)
    #expect(more.map(\.instances) == [2, 4])
    #expect(more.map(\.weightPercent) == [67, 100])
    let fewer = RollingBounds(instances: 1, surge: 1, unavailable: 0).steps(from: 4, bake: .zero)
    #expect(fewer.map(\.instances) == [1])
  }

  /// S2, to within a percent: what each step takes away and gives leaves every share its capacity.
  @Test(arguments: 1...8) func `no step lowers the capacity below what is declared`(new: Int) {
    for (old, surge) in (1...8).flatMap({ old in (0...3).map { (old, $0) } }) {
      for unavailable in 0..<new where surge + unavailable > 0 {
        let bounds = RollingBounds(instances: new, surge: surge, unavailable: unavailable)
        check(bounds, from: old)
      }
    }
  }

  private func check(_ bounds: RollingBounds, from old: Int) {
    let floor = max(1, min(bounds.instances, old) - bounds.unavailable)
    func needed(_ percent: Int) -> Int {
      percent == 0 ? 0 : max(1, ((percent - 1) * floor + 99) / 100)
    }
    let steps = bounds.steps(from: old, bake: .seconds(1))
    var before = RolloutStep(weightPercent: 0, bake: .zero, instances: 0)
    for step in steps {
      let (count, left) = (step.instances ?? 0, bounds.left(of: old, beside: step.instances ?? 0))
      // Stable has made room while its share was that of the step before.
      #expect(left >= needed(100 - before.weightPercent), "\(bounds) from \(old): \(steps)")
      #expect(count >= needed(step.weightPercent), "\(bounds) from \(old): \(steps)")
      #expect(count + left <= max(old, bounds.instances + bounds.surge))
      #expect(step.weightPercent >= before.weightPercent && count > before.instances ?? 0)
      before = step
    }
    #expect(before.instances == bounds.instances && before.weightPercent == 100)
    #expect(before.bake == .seconds(1))
  }
}
