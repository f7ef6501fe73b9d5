package import Model

/// Whether a status is the one that was written last: ten thousand statuses lie in the ledger, and need
/// not lie in memory as well. Two that differ have the same mark once in 2^64, and then readers see the
/// older one until it changes again.
package struct StatusMark: Hashable, Sendable {
  private let hash: Int

  package init(_ status: TargetStatus) {
    // Seeded anew in each process: nobody can choose what has the same mark.
    hash = status.hashValue
  }
}
