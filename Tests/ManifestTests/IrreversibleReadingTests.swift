import Manifest
import Model
import Testing

/// `rollout.irreversible`: what is not declared is not written either.
@Suite struct IrreversibleReadingTests {
  @Test(arguments: [
    ("", nil), ("irreversible: false", nil), ("irreversible: true", true),
    ("irreversible: true, strategy: canary", true),
  ])
  func `a rollout may be irreversible`(_ rollout: String, _ isIrreversible: Bool?) {
    let state = Example.with("rollout: { \(rollout) }").parse()
    #expect(state.diagnostics.isEmpty)
    #expect(state.targets.first?.rollout.isIrreversible == isIrreversible)
  }
}
