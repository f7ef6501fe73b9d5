import Model
import Testing

@Suite struct DesiredStateTests {
  private func target(_ name: String, _ version: String, _ commit: CommitID) -> DesiredTarget {
    let spec = StackSpec(workloadKind: "process", workload: ["version": .string(version)])
    return DesiredTarget(
      id: TargetID(ApplicationName(rawValue: name), "production"), source: "main", commit: commit,
      version: version, platform: "local", spec: spec, declaredDigest: spec.declaredDigest)
  }

  private func state(_ commit: CommitID, _ versions: [String: String]) -> DesiredState {
    DesiredState(
      source: "main", commit: commit,
      targets: versions.map { target($0.key, $0.value, commit) }.sorted { $0.id < $1.id })
  }

  @Test func `what a commit leaves alone keeps the commit that said it first`() {
    let old = state("aaaa", ["a": "1", "b": "1", "c": "1", "e": "1"])
    let new = state("bbbb", ["b": "1", "c": "2", "d": "1", "e": "1"]).keeping(old)
    #expect(new.commit == "bbbb")
    #expect(new.targets.map(\.id.application) == ["b", "c", "d", "e"])
    #expect(new.targets.map(\.commit) == ["aaaa", "bbbb", "bbbb", "aaaa"])
    #expect(new.targets.map(\.version) == ["1", "2", "1", "1"])
    #expect(new.targets[0].isSame(as: old.targets[1]))
    // A revert is a word of its own.
    let reverted = state("cccc", ["b": "1", "c": "1", "d": "1", "e": "1"]).keeping(new)
    #expect(reverted.targets.map(\.commit) == ["aaaa", "cccc", "bbbb", "aaaa"])
  }

  @Test func `what a commit newly declares goes through a freeze, as long as it is declared`() {
    let old = state("aaaa", ["a": "1", "b": "1"])
    var given = state("bbbb", ["a": "1", "b": "2", "c": "1"])
    given.freezeOverride = "the site is down"
    let new = given.keeping(old)
    let override = FreezeOverride(commit: "bbbb", reason: "the site is down")
    #expect(new.targets.map(\.freezeOverride) == [nil, override, override])
    // A later commit leaves it alone, or changes what is not part of the stack.
    var later = state("cccc", ["a": "2", "b": "2", "c": "1"])
    later.targets[2].wave = 1
    let kept = later.keeping(new)
    #expect(kept.targets.map(\.freezeOverride) == [nil, override, override])
    #expect(kept.targets.map(\.commit) == ["cccc", "bbbb", "cccc"])
    // Declared once more, it is another word.
    let reverted = state("dddd", ["a": "2", "b": "1", "c": "1"]).keeping(kept)
    let again = state("eeee", ["a": "2", "b": "2", "c": "1"]).keeping(reverted)
    #expect(again.targets.map(\.freezeOverride) == [nil, nil, override])
  }

  @Test func `what a group has bumped together stays together, whatever else of it changes`() {
    func grouped(_ commit: CommitID, _ versions: [String: String]) -> DesiredState {
      var new = state(commit, versions)
      for index in new.targets.indices { new.targets[index].group = "shop" }
      return new
    }
    let old = grouped("aaaa", ["a": "1", "b": "1"])
    let new = grouped("bbbb", ["a": "2", "b": "1"]).keeping(old)
    #expect(new.targets.map(\.digestCommit) == [nil, nil])
    #expect(new.targets.map(\.commit) == ["bbbb", "aaaa"])
    // Another policy of what is there is no other release.
    var later = grouped("cccc", ["a": "2", "b": "2"])
    later.targets[0].wave = 1
    let kept = later.keeping(new)
    #expect(kept.targets.map(\.commit) == ["cccc", "cccc"])
    #expect(kept.targets.map(\.digestCommit) == ["bbbb", nil])
    // What nothing changes of is the same value still.
    let same = grouped("dddd", ["a": "2", "b": "2"])
    var again = same
    again.targets[0].wave = 1
    #expect(again.keeping(kept).targets[0].isSame(as: kept.targets[0]))
  }

  @Test func `a target is found by its name`() {
    let names = (0..<50).map { "t\($0)" }
    let all = state("aaaa", Dictionary(names.map { ($0, "1") }) { first, _ in first })
    for name in names {
      let id = TargetID(ApplicationName(rawValue: name), "production")
      #expect(all.target(id)?.id == id)
    }
    #expect(all.target(TargetID("t", "production")) == nil)
    #expect(all.target(TargetID("z", "production")) == nil)
    #expect(DesiredState(source: "main", commit: "a").target(TargetID("a", "b")) == nil)
  }
}
