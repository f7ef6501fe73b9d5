import Logging
package import Model
import Planning

/// The newest view of every source; filled by the source services, read by the passes.
package actor SourceBoard {
  private var views: [SourceName: SourceView] = [:]
  private let nudge: Nudge

  package init(nudge: Nudge) { self.nudge = nudge }

  package var current: [SourceName: SourceView] { views }

  package func view(of name: SourceName) -> SourceView? { views[name] }

  /// Nudges when anything but the moment has changed.
  package func update(_ name: SourceName, _ view: SourceView) {
    let isNews = views[name]?.state != view.state
    views[name] = view
    if isNews { nudge() }
  }
}
