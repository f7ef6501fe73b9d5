import Model

/// The one Git repository: what people have pushed, and what its server shows of that.
struct Repository {
  struct Commit {
    var parent: CommitID?
    var tree: [TargetID: Declaration]
    /// Targets whose document is wrong in it.
    var broken: Set<TargetID> = []
    /// Made by somebody who rewrote history: never to be followed without a person.
    var isRewritten = false
  }

  private(set) var commits: [CommitID: Commit] = [:]
  private(set) var tip: CommitID
  /// The server shows this older tip.
  var staleTip: CommitID?
  private var count = 0

  init(_ tree: [TargetID: Declaration]) {
    tip = "c1"
    count = 1
    commits["c1"] = Commit(parent: nil, tree: tree)
  }

  var newest: Commit { commits[tip] ?? Commit(parent: nil, tree: [:]) }
  var visibleTip: CommitID { staleTip ?? tip }

  mutating func push(_ change: (inout Commit) -> Void) {
    var commit = Commit(parent: tip, tree: newest.tree)
    change(&commit)
    add(commit)
  }

  /// A branch that leaves out the newest commits, with a change of its own.
  mutating func forcePush(_ change: (inout Commit) -> Void) {
    let base = newest.parent
    var commit = Commit(
      parent: base, tree: base.flatMap { commits[$0]?.tree } ?? newest.tree, isRewritten: true)
    change(&commit)
    add(commit)
  }

  /// The branch points there again.
  mutating func reset(to commit: CommitID) { tip = commit }

  /// On top of `commit`, as a person does who was told that history was rewritten.
  mutating func mend(onto commit: CommitID, _ change: (inout Commit) -> Void) {
    var mended = Commit(parent: commit, tree: commits[commit]?.tree ?? newest.tree)
    change(&mended)
    add(mended)
  }

  private mutating func add(_ commit: Commit) {
    count += 1
    tip = CommitID(rawValue: "c\(count)")
    commits[tip] = commit
  }

  func descends(_ commit: CommitID, from ancestor: CommitID) -> Bool {
    var next: CommitID? = commit
    while let current = next {
      if current == ancestor { return true }
      next = commits[current]?.parent
    }
    return false
  }
}
