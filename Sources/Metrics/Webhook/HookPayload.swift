import Model

/// What Flagger posts in a rollout: `https://docs.flagger.app/usage/webhooks`.
enum HookPayload {
  /// `declared`: goes along in the metadata.
  static func of(_ values: [String: String], declared: [String: String]) -> CanonicalValue {
    func known(_ value: AnalysisDeclaration.Metric.Value) -> CanonicalValue {
      .string(values[value.rawValue] ?? "")
    }
    var metadata = declared.mapValues { CanonicalValue.string($0) }
    for value in AnalysisDeclaration.Metric.inMetadata { metadata[value.rawValue] = known(value) }
    return [
      "name": known(.application), "namespace": known(.environment), "phase": "Progressing",
      "checksum": known(.digest), "metadata": .object(metadata),
    ]
  }
}
