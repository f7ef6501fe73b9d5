import Model

/// What a target on its way knows of the others of its release.
struct ReleaseParty: Equatable {
  /// One that has not finished its last bake, and why.
  struct Awaited: Equatable {
    var target: TargetID
    var why: String
  }

  /// All others, sorted.
  var companions: [TargetID] = []
  var awaited: [Awaited] = []
  /// Companions that wait only for their group.
  var finished: Set<TargetID> = []
  /// Why the release can not be completed; of this target's own failure, too.
  var fault: String?
  /// What depends on it has traffic that it gives back first.
  var isYielding = false
  /// The others are on their way to what follows what it runs.
  var isOvertaken = false
  /// Made after every member was looked at in this pass.
  var isJudged = false
}

/// Which targets of one pass are one release: those of one group, environment and source that are on their
/// way for the same commit, also by way of others (decision 0036).
enum ReleaseParties {
  /// A member with what it runs, or is to run.
  struct Seat {
    enum State: Equatable {
      /// It waits only for its group.
      case finished
      case awaited(String)
      /// The release can not be completed; why.
      case faulty(String)
      /// It failed before, and a person lets the others go on without it.
      case barred
    }

    var index: Int
    var target: TargetID
    var commits: [CommitID]
    /// What it runs; `false`: what follows that.
    var isOwn: Bool
    var state: State
  }

  private struct Link: Hashable {
    var environment: EnvironmentName
    var group: GroupName
    var source: SourceName
    var commit: CommitID
  }

  /// Tells each member of its release; the answer is who was told something new. `isJudged`: every member was
  /// looked at in this pass.
  static func tie(_ passes: inout [TargetPass], isJudged: Bool) -> [Int] {
    let members = passes.indices.filter { passes[$0].isGrouped }
    guard !members.isEmpty else { return [] }
    var seats: [Seat] = []
    for index in members {
      passes[index].rememberGroup()
      seats += passes[index].seats(at: index)
    }
    var parties: [Int: ReleaseParty] = [:]
    for table in tables(seats, passes) {
      for seat in table where seat.isOwn {
        var party = party(of: seat, table, passes)
        party.isJudged = isJudged
        parties[seat.index] = party
      }
    }
    return members.filter { index in
      defer { passes[index].party = parties[index] }
      return passes[index].party != parties[index]
    }
  }

  private static func tables(_ seats: [Seat], _ passes: [TargetPass]) -> [[Seat]] {
    var tables: [[Seat]] = []
    var places: [Link: Int] = [:]
    for seat in seats {
      guard let group = passes[seat.index].record.group else { continue }
      let links = seat.commits.map { commit in
        Link(
          environment: seat.target.environment, group: group.name, source: group.source,
          commit: commit)
      }
      let met = Set(links.compactMap { places[$0] }).sorted()
      let place = met.first ?? tables.count
      if met.isEmpty { tables.append([]) }
      for other in met.dropFirst() {
        tables[place] += tables[other]
        tables[other] = []
        places = places.mapValues { $0 == other ? place : $0 }
      }
      tables[place].append(seat)
      for link in links { places[link] = place }
    }
    return tables
  }

  private static func party(
    of seat: Seat, _ table: [Seat], _ passes: [TargetPass]
  ) -> ReleaseParty {
    var party = ReleaseParty()
    for other in table.sorted(by: { $0.target < $1.target }) {
      if case .faulty(let why) = other.state { party.fault = party.fault ?? why }
      guard other.index != seat.index else {
        party.isOvertaken = party.isOvertaken || !other.isOwn
        continue
      }
      if party.companions.last != other.target { party.companions.append(other.target) }
      switch other.state {
      case .finished: party.finished.insert(other.target)
      case .awaited(let why) where party.awaited.last?.target != other.target:
        party.awaited.append(.init(target: other.target, why: why))
      case .awaited, .faulty, .barred: break
      }
      let depends = passes[other.index].spec?.dependsOn.contains(seat.target) == true
      if depends, other.isOwn, passes[other.index].hasTrafficToGiveBack { party.isYielding = true }
    }
    return party
  }
}
