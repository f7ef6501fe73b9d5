package import Model
package import Planning

/// Whose word counts for each target, where more than one source speaks of it.
///
/// A target that runs stays with the source that it was launched from, until that source says in a
/// commit without errors that it is not declared any more. A target that does not run yet and is
/// declared twice is nobody's: guessing would let one repository take another's place.
package struct Claims: Sendable {
  /// What the source in charge declares; of a target that does not run and is declared twice, the
  /// first by the source's name, to be shown.
  package private(set) var declared: [TargetID: DesiredTarget] = [:]
  /// The source in charge where it declares nothing that could be read.
  package private(set) var keepers: [TargetID: SourceName] = [:]
  package private(set) var contests: [TargetID: Contest] = [:]
  private var sources: [SourceName: SourceView]
  /// The owners, or that there is none, of targets that not only their owner claims.
  private var owners: [TargetID: SourceName?] = [:]

  /// `stacks`: as observed, by target.
  package init(
    _ sources: [SourceName: SourceView], records: [TargetID: Shared<TargetRecord>],
    stacks: [TargetID: [StackObservation]]
  ) {
    self.sources = sources
    // Hardly any target is claimed twice.
    var first: [TargetID: Claim] = [:]
    var more: [TargetID: [Claim]] = [:]
    func add(_ claim: Claim, _ id: TargetID) {
      if first[id] == nil { first[id] = claim } else { more[id, default: []].append(claim) }
    }
    for (name, view) in sources.sorted(by: { $0.key < $1.key }) {
      for target in view.desired?.targets ?? [] {
        add(Claim(source: name, target: target), target.id)
      }
      for id in view.desired?.broken ?? [] { add(Claim(source: name, target: nil), id) }
    }
    for (id, claim) in first {
      let owner = Self.owner(records[id]?.value, stacks[id] ?? [])
      settle(id, [claim] + (more[id] ?? []), owner: owner)
      let isAlone = more[id] == nil && (owner == nil || owner == claim.source)
      if !isAlone { owners[id] = .some(owner) }
    }
  }

  /// The sources of now, which differ from those of then in what they declare of these targets; only
  /// where one source alone has spoken of each and goes on to. `false`: nothing was changed.
  mutating func follow(_ sources: [SourceName: SourceView], changed: Set<TargetID>) -> Bool {
    let new = changed.compactMap { id -> DesiredTarget? in
      guard owners[id] == nil, contests[id] == nil, let source = keepers[id] else { return nil }
      return declared[id] == nil ? nil : sources[source]?.desired?.target(id)
    }
    guard new.count == changed.count else { return false }
    self.sources = sources
    for target in new { declared[target.id] = target }
    return true
  }

  /// The same sources mean the same for these targets with the records and stacks of now.
  func isSame(
    for targets: Set<TargetID>, records: [TargetID: Shared<TargetRecord>],
    stacks: [TargetID: [StackObservation]]
  ) -> Bool {
    targets.allSatisfy { id in
      let owner = Self.owner(records[id]?.value, stacks[id] ?? [])
      if let known = owners[id] { return owner == known }
      return owner == nil || keepers[id] == nil || owner == keepers[id]
    }
  }

  /// The source that a target with stacks was launched from: as the ledger knows it, or as the
  /// certificates say where it knows nothing.
  private static func owner(
    _ record: TargetRecord?, _ stacks: [StackObservation]
  ) -> SourceName? {
    guard let record, let lastGood = record.lastGood else {
      return stacks.max { $0.id.generation < $1.id.generation }?.certificate.source
    }
    return record.stacks.isEmpty && stacks.isEmpty ? nil : lastGood.source
  }

  private mutating func settle(_ id: TargetID, _ claims: [Claim], owner: SourceName?) {
    if let owner, let own = claims.first(where: { $0.source == owner }) {
      declared[id] = own.target
      keepers[id] = owner
      let others = claims.filter { $0.source != owner }
      guard !others.isEmpty else { return }
      contests[id] = Contest(
        isOpen: false,
        message: "it runs from \(own.words); \(Claim.words(of: others)), too, which does not count")
    } else if let owner, mayStillDeclare(owner) {
      keepers[id] = owner
    } else if claims.count == 1 {
      declared[id] = claims[0].target
      keepers[id] = claims[0].source
    } else {
      if owner == nil { declared[id] = claims.lazy.compactMap(\.target).first }
      contests[id] = Contest(
        isOpen: true, message: "\(Claim.words(of: claims)): leave it to one of them")
    }
  }

  /// It was not read yet, or not completely: that it says nothing proves nothing.
  private func mayStillDeclare(_ source: SourceName) -> Bool {
    guard let view = sources[source] else { return false }
    return view.desired?.isComplete != true
  }
}

private struct Claim {
  var source: SourceName
  /// nil: its document is wrong.
  var target: DesiredTarget?

  /// `main (environments/production/web.yaml:7)`.
  var words: String {
    guard let target else { return "\(source) (with errors)" }
    return source.rawValue + (target.declaredAt.map { " (\($0))" } ?? "")
  }

  /// `main (…) and team (…) declare it`.
  static func words(of claims: [Claim]) -> String {
    let names = claims.map(\.words).joined(separator: " and ")
    return "\(names) \(claims.count == 1 ? "declares" : "declare") it"
  }
}
