package import Analysis
import Model

extension RolloutMachine {
  package enum Event: Hashable, Sendable {
    /// Watched time went by in this phase.
    case time(Duration)
    /// Watched time in which the candidate served, healthy.
    case served(Duration)
    /// Watched time in which the candidate served and was below its floor.
    case suffered(Duration)
    /// Nothing else runs any more.
    case vacated
    case launched
    /// As many of its instances run as the step says.
    case grown
    case gatePassed
    /// The candidate has the share of this step, as read back.
    case shifted(restarts: Int)
    /// This step has proven itself: the next one follows, or the promotion.
    case baked
    /// The traffic was counted, and judged.
    case judged(StepEvidence, JudgementRecord)
    /// Watched time after the bake without a verdict that lets it go on.
    case waitedForVerdict(Duration)
    /// Watched time after bake and verdict without an approval.
    case waitedForApproval(Duration)
    /// Of the tests of the point where it stands.
    case tests(TestRun.Event)
    /// A person approves what follows the step in progress.
    case approved
    /// A person does not wait for the rest of the step in progress; `isFull`: of all steps.
    case advanced(isFull: Bool)
    /// Nothing else serves well enough: the last step begins at once.
    case steppedOver
    case failed(Failure)
    /// In place of a failure that nothing leads back from: it stays where it is.
    case stopped(Failure)
    /// A person lets it go on from where it is: its clocks and its evidence begin anew.
    case resumed(restarts: Int)
    /// Somebody wants it tried again before its abort has ended: it ends for that reason.
    case forgiven(Failure)
    /// The candidate has no traffic, and nothing stands in the way of stable.
    case tookBack
  }

  /// What an event changed; nothing for an event that came too late.
  package enum Effect: Hashable, Sendable {
    case entered(Phase)
  }
}
