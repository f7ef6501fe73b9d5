package import Model

/// How the instances of two stacks may follow each other in a rolling rollout.
package struct RollingBounds: Hashable, Codable, Sendable {
  /// What the candidate declares.
  package var instances: Int
  /// So many may run beyond that.
  package var surge: Int
  /// So many of that may be missing.
  package var unavailable: Int
  package init(instances: Int, surge: Int, unavailable: Int) {
    self.instances = instances
    self.surge = surge
    self.unavailable = unavailable
  }

  /// The candidate grows by as many as the bounds let; each time its share of the traffic is that of the
  /// instances that are left once stable has made room for the next of them. The last step bakes.
  package func steps(from old: Int, bake: Duration) -> [RolloutStep] {
    let batch = max(1, surge + unavailable)
    let counts = Array(stride(from: min(batch, instances), to: instances, by: batch)) + [instances]
    return counts.indices.map { index in
      guard index < counts.count - 1 else {
        return RolloutStep(weightPercent: 100, bake: bake, instances: instances)
      }
      let (count, left) = (counts[index], left(of: old, beside: counts[index + 1]))
      let share = (count * 100 + (count + left) / 2) / (count + left)
      return RolloutStep(weightPercent: max(1, share), bake: .zero, instances: count)
    }
  }

  /// What may still run of a stack that had `old` instances while the candidate has `count`.
  package func left(of old: Int, beside count: Int) -> Int {
    max(0, min(old, instances + surge - count))
  }
}
