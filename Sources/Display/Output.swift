package import LedgerKit
package import Model

/// The forms in which commands answer.
package enum OutputFormat: String, Sendable, CaseIterable {
  /// Aligned columns for a terminal.
  case table
  /// One JSON value, keys sorted, two spaces of indentation.
  case json
  /// The same value as YAML.
  case yaml
  /// For a pull-request comment.
  case markdown
}

/// Renders what the ledger and the planner say; pure, every text ends with a line break.
package struct Output: Sendable {
  package var format: OutputFormat
  /// Colours words of status with ANSI sequences; only the table form does.
  package var isColored: Bool

  package init(format: OutputFormat = .table, isColored: Bool = false) {
    self.format = format
    self.isColored = isColored
  }

  /// `get`: one line a target. JSON: an array of statuses.
  package func statuses(_ statuses: [TargetStatus]) -> String { render(.statuses(statuses)) }

  /// Below `get` and `describe`, for people only: the sources that are not current or that have
  /// problems, each with the first of these. Empty in JSON and YAML, and when all is well.
  package func troubles(of sources: [SourceSummary]) -> String {
    let parts = View.troubles(of: sources)
    guard !parts.isEmpty else { return "" }
    switch format {
    case .table: return "\n" + TerminalText(isColored: isColored).render(parts)
    case .markdown: return "\n" + MarkdownText().render(parts)
    case .json, .yaml: return ""
    }
  }

  /// `describe`: all of one target. JSON: one status.
  package func description(of status: TargetStatus) -> String { render(.description(of: status)) }

  /// Verdicts on the traffic of steps, oldest first.
  package func verdicts(_ verdicts: [ShownVerdict]) -> String { render(.verdicts(verdicts)) }

  /// `history`: in the order given. JSON: an array of entries.
  package func history(_ entries: [LedgerEntry]) -> String { render(.history(entries)) }

  /// `history --verify`. JSON: `{entries, checkpoints, firstBroken, reason}`, the last two when the
  /// chain is broken.
  package func verification(_ report: ChainReport) -> String { render(.verification(report)) }

  /// `get --watch`: what to print after `before` was printed. JSON: one line for each status that
  /// changed; YAML: one document for each; of a target that is gone only its name. nil for people,
  /// who look at a screen.
  package func changes(from before: [TargetStatus], to now: [TargetStatus]) -> String? {
    let old = Dictionary(before.map { ($0.target, $0) }) { $1 }
    let left = Set(now.map(\.target))
    let gone = before.map(\.target).filter { !left.contains($0) }
    var changed = now.filter { old[$0.target] != $0 }.map(\.form)
    changed += gone.map { ["target": .string("\($0)"), "isGone": true] }
    switch format {
    case .table, .markdown: return nil
    case .json: return changed.map { $0.json + "\n" }.joined()
    case .yaml: return changed.map { "---\n" + $0.yaml }.joined()
    }
  }

  /// `drift`: the findings of each target. JSON: an array of `{target, findings}`.
  package func findings(_ findings: [(target: TargetID, findings: [Finding])]) -> String {
    render(.findings(findings))
  }

  /// `plan`: what is done for each target, and what it waits for. JSON: an array of
  /// `{target, explanation, rollback}`.
  package func plan(_ statuses: [TargetStatus]) -> String { render(.plan(statuses)) }

  private func render(_ view: View) -> String {
    switch format {
    case .table: TerminalText(isColored: isColored).render(view.parts)
    case .json: view.value.prettyJSON + "\n"
    case .yaml: view.value.yaml
    case .markdown: MarkdownText().render(view.parts)
    }
  }
}
