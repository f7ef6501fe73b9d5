import Model
import PlatformKit

extension MappingReader {
  /// `rollout.analysis`.
  func analysis(_ problems: inout [Diagnostic]) -> AnalysisDeclaration {
    var analysis = AnalysisDeclaration()
    let errors = mapping("errors")
    analysis.errorRatio = errors?.decimal("ratio") ?? analysis.errorRatio
    analysis.errorMarginPoints = errors?.decimal("margin") ?? analysis.errorMarginPoints
    analysis.errorCeilingPercent = errors?.decimal("ceiling")
    analysis.minimumRequests = integer("minimumRequests") ?? analysis.minimumRequests
    analysis.noTraffic = choice("noTraffic") ?? analysis.noTraffic
    analysis.deadline = duration("deadline") ?? analysis.deadline
    for key in ["margin", "ceiling"] {
      guard let value = errors?[key], errors?.decimal(key) ?? 1 < 0.0001 else { continue }
      problems.append(value.error("\"\(key)\" must be at least 0.0001 percent"))
    }
    for node in list("metrics") {
      let metric = MappingReader(node).metric(&problems)
      if analysis.metrics.contains(where: { $0.name == metric.name }) {
        problems.append(node.error("two metrics are called \(metric.name)"))
      }
      analysis.metrics.append(metric)
    }
    return analysis
  }

  /// One of `rollout.analysis.metrics`.
  private func metric(_ problems: inout [Diagnostic]) -> AnalysisDeclaration.Metric {
    var metric = AnalysisDeclaration.Metric(
      name: text("name") ?? "", provider: text("provider") ?? "", query: text("query"),
      metadata: self["metadata"] == nil ? nil : texts("metadata"), minimum: decimal("minimum"),
      maximum: decimal("maximum"))
    if metric.minimum == nil && metric.maximum == nil {
      // Without a query it is a webhook's: 1 says that it holds.
      if metric.query == nil {
        metric.minimum = 1
      } else {
        problems.append(node.error("a metric needs a minimum or a maximum"))
      }
    } else if let minimum = metric.minimum, let maximum = metric.maximum, minimum > maximum {
      problems.append(node.error("the minimum is above the maximum"))
    }
    if metric.query != nil, let metadata = self["metadata"] {
      problems.append(metadata.error("\"metadata\" is for a webhook, which takes no \"query\""))
    }
    problems += unknownNames(in: metric.query ?? "") + takenNames
    return metric
  }

  /// What `${…}` in a query stands for is known when it is asked.
  private func unknownNames(in query: String) -> [Diagnostic] {
    let known = AnalysisDeclaration.Metric.Value.allCases.map(\.rawValue)
    return query.matches(of: /\$\{([^}]*)\}?/).filter { !known.contains(String($0.1)) }.map {
      (self["query"] ?? node).error(
        "no ${\($0.1)} in a query", suggestion: "known: \(known.joined(separator: ", "))")
    }
  }

  /// What a webhook is told of the candidate stays true.
  private var takenNames: [Diagnostic] {
    let taken = AnalysisDeclaration.Metric.inMetadata.map(\.rawValue)
    return (mapping("metadata")?.members ?? []).filter { taken.contains($0.name) }.map {
      $0.key.error("\"\($0.name)\" is in the metadata anyway")
    }
  }
}
