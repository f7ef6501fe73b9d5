import Logging
package import Model
import Planning

/// The newest view of every source; filled by the source services, read by the passes.
package actor SourceBoard {
  private var views: [SourceName: SourceView]
  private let nudge: Nudge

  /// All sources are there from the start: one that was not read yet must not be taken for one that
  /// declares nothing.
  package init(nudge: Nudge, sources: [SourceName]) {
    self.nudge = nudge
    let unread = SourceView(
      state: SourceState(
        health: .unreachable(reason: "not asked yet since the agent's start"), isComplete: false,
        targetCount: 0))
    views = Dictionary(sources.map { ($0, unread) }) { first, _ in first }
  }

  package var current: [SourceName: SourceView] { views }

  package func view(of name: SourceName) -> SourceView? { views[name] }

  /// Nudges when anything but the moment has changed.
  package func update(_ name: SourceName, _ view: SourceView) {
    let isNews = views[name]?.state != view.state
    views[name] = view
    if isNews { nudge() }
  }
}
