package import Model

/// What counts the requests that stacks get: a router, as a rule.
package protocol RequestCounter: Sendable {
  /// Counts of each stack behind the routes of `targets`, by series.
  ///
  /// Within a series a count only grows; where it falls, the counter began anew. A series begins at zero
  /// when it is first there: one that is gone later, such as that of a worker which has ended, says nothing
  /// more. Nothing is added up over series or time by the counter itself.
  func counts(
    of targets: Set<TargetID>
  ) async throws(PlatformError) -> [TargetID: [Generation: [String: RequestCounts]]]
}
