package import Model
package import Planning

/// Which target of today goes on with what was made under an earlier name.
///
/// A stack keeps its certificate and a route its name, so that a rename touches nothing that serves;
/// what moves is the record. Pure.
package struct Renames: Sendable {
  /// Earlier name → the target of today.
  package private(set) var heirs: [TargetID: TargetID]
  /// Adopted in this pass: the name before → the target of today.
  package private(set) var adopted: [TargetID: TargetID] = [:]
  /// Why a target cannot have its name yet, or not go.
  package private(set) var contests: [TargetID: Contest] = [:]
  /// The earlier names of each target, sorted.
  private var names: [TargetID: [TargetID]] = [:]

  private let sources: [SourceName: SourceView]
  private let records: [TargetID: Shared<TargetRecord>]
  private var live: Set<TargetID> = []
  private var declared: Set<TargetID> = []

  /// Of agents in which nothing was ever renamed. Holds nothing.
  static let none = Renames([:], records: [:], heirs: [:], stacks: [:])

  /// `heirs`: as the ledger remembers them; `stacks`: as observed, by the name in their certificates;
  /// `routes`: as read, by their names.
  package init(
    _ sources: [SourceName: SourceView], records: [TargetID: Shared<TargetRecord>],
    heirs: [TargetID: TargetID], stacks: [TargetID: [StackObservation]],
    routes: [TargetID: RouteObservation] = [:]
  ) {
    (self.heirs, self.sources, self.records) = (heirs, sources, records)
    recall(routes, stacks)
    let wishes = sources.values.flatMap { $0.desired?.renames ?? [:] }
    // As good as always.
    guard !wishes.isEmpty || !self.heirs.isEmpty else { return }
    live = Set(stacks.keys.map(heir(of:)))
    declared = Set(
      sources.values.flatMap { view in
        (view.desired?.targets ?? []).map(\.id) + (view.desired?.broken ?? [])
      })
    // A name that is declared again in place of its heir: the rename is taken back, as by a revert.
    let returns = self.heirs.filter { declared.contains($0.key) && !declared.contains($0.value) }
    for (id, name) in (wishes + returns).sorted(by: { ($0.key, $0.value) < ($1.key, $1.value) }) {
      judge(id, goesOnWith: heir(of: name), calledBefore: name)
    }
    for (name, heir) in self.heirs where declared.contains(name) && contests[name] == nil {
      contests[name] = Contest(
        isOpen: true,
        message: "\(heir) was called \(name) before, and what runs of it bears that name still;"
          + " declare this target under another one")
    }
    names = Dictionary(grouping: self.heirs.keys.sorted()) { heir(of: $0) }
  }

  /// What a lost ledger knew: a route under a name that nothing is recorded of, with stacks of another
  /// name behind it, is that one's. The newest certificate tells.
  private mutating func recall(
    _ routes: [TargetID: RouteObservation], _ stacks: [TargetID: [StackObservation]]
  ) {
    let strange = routes.keys.filter { heirs[$0] == nil && records[$0] == nil }
    for name in strange.sorted() {
      let launches = Set((routes[name]?.route.backends ?? []).map(\.launch))
      let newest = stacks.values.joined().filter { launches.contains($0.certificate.launch) }
        .max { $0.id.generation < $1.id.generation }
      if let today = newest.map({ heir(of: $0.id.target) }), today != name {
        heirs[name] = today
      }
    }
  }

  private mutating func judge(
    _ id: TargetID, goesOnWith old: TargetID, calledBefore name: TargetID
  ) {
    guard old != id, records[old] != nil || live.contains(old) else { return }
    if records[id]?.stacks.isEmpty == false || live.contains(id) {
      guard !declared.contains(old) else { return }
      contests[old] = Contest(
        isOpen: true,
        message:
          "\(id) is to go on with it (previously: \(name.application)), but has stacks of its own;"
          + " take that line out, and this target is removed as any other")
    } else if declared.contains(old) {
      let today = old == name ? "\(name)" : "\(name), which is called \(old) today and"
      contests[id] = Contest(isOpen: true, message: "it adopts \(today) is declared still")
    } else if !isGivenUp(old) {
      contests[id] = Contest(
        isOpen: true, message: "it adopts \(old), and no source says for certain that that is gone")
    } else {
      adopted[old] = id
      live.remove(old)
      live.insert(id)
      heirs[old] = id
      heirs[id] = nil
      for (name, heir) in heirs where heir == old { heirs[name] = id }
    }
  }

  /// By the source that it was launched from; where nobody remembers that, by all of them.
  private func isGivenUp(_ old: TargetID) -> Bool {
    guard let lastGood = records[old]?.lastGood else {
      return sources.values.allSatisfy { view in
        view.state.health == .current && view.desired?.isComplete == true
      }
    }
    let word = sources[lastGood.source]?.says(of: old, declared: nil, lastGood: lastGood)
    guard case .removed? = word else { return false }
    return true
  }

  /// Nothing was ever renamed, and nothing is to be.
  var isNone: Bool {
    heirs.isEmpty && adopted.isEmpty && contests.isEmpty
      && sources.values.allSatisfy { $0.desired?.renames?.isEmpty ?? true }
  }

  /// The target to which a name belongs today.
  func heir(of name: TargetID) -> TargetID { heirs[name] ?? name }

  /// The earlier names of a target, sorted.
  func names(before id: TargetID) -> [TargetID] { names[id] ?? [] }

  /// What was sorted by name, by the target of today.
  func regrouped<Value>(_ groups: [TargetID: [Value]]) -> [TargetID: [Value]] {
    var groups = groups
    for (name, heir) in heirs.sorted(by: { $0.key < $1.key }) {
      if let values = groups.removeValue(forKey: name) { groups[heir, default: []] += values }
    }
    return groups
  }
}
