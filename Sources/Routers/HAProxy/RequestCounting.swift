package import Model
package import PlatformKit

/// The requests of each stack, as HAProxy's workers count them: a series is one slot of one worker.
///
/// Counted is what clients see: an answer of 5xx by the stack or, where the stack gave none in time, by HAProxy in
/// its place. A request that went to another server instead is none of it, and neither is one that came by the
/// preview's listener; of TCP connections, those are counted, too.
extension HAProxyRouter: RequestCounter {
  package func counts(
    of targets: Set<TargetID>
  ) async throws(PlatformError) -> [TargetID: [Generation: [String: RequestCounts]]] {
    let keys = targets.sorted().map(TargetKey.init)
    return try await locked { () async throws(PlatformError) in
      let processes = try await self.reader.processes()
      var counts: [TargetID: [Generation: [String: RequestCounts]]] = [:]
      for pid in [processes.current].compactMap({ $0 }) + processes.old {
        guard let (maps, table) = try await self.reader.counts(of: keys, pid) else { continue }
        for key in keys {
          guard let map = maps[key].map(parseMap) else { continue }
          for slot in Slot.all(self.settings.slots) {
            guard let generation = StoredRoute.occupant(of: slot, in: map)?.generation,
              let row = table[key, slot]
            else { continue }
            counts[key.target, default: [:]][generation, default: [:]]["\(pid)/\(slot)"] = row
          }
        }
      }
      return counts
    }
  }
}

/// The rows of frontends and backends in `show stat`, of which requests and errors are wanted.
struct BackendCounts {
  private var rows: [String: RequestCounts] = [:]
  /// Of targets that have a preview: what came in public.
  private var publicRows: [TargetKey: [String: RequestCounts]] = [:]

  subscript(_ key: TargetKey, _ slot: Slot) -> RequestCounts? {
    let name = key.backend(slot)
    guard let row = rows[name] else { return nil }
    return publicRows[key].map { $0[name] ?? RequestCounts() } ?? row
  }

  func hasPreview(_ key: TargetKey) -> Bool { rows[key.frontend(.preview)] != nil }

  /// nil for text that is not a table with all that is wanted.
  init?(_ text: String) {
    var lines = text.split(separator: "\n")
    guard let head = lines.first, head.hasPrefix("# ") else { return nil }
    lines.removeFirst()
    let names = head.dropFirst(2).split(separator: ",", omittingEmptySubsequences: false)
    let wanted = ["pxname", "stot", "econ", "eresp", "hrsp_5xx", "req_tot"]
    let places = wanted.compactMap { name in names.firstIndex { $0 == name } }
    guard places.count == wanted.count else { return nil }
    for line in lines {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      guard let last = places.max(), cells.count > last else { return nil }
      func number(_ index: Int) -> Int { Int(cells[places[index]]) ?? 0 }
      // Without HTTP there are neither requests nor answers, only sessions.
      let isHTTP = !cells[places[5]].isEmpty && !cells[places[4]].isEmpty
      rows[String(cells[places[0]])] = RequestCounts(
        requests: max(0, isHTTP ? number(5) : number(1)),
        errors: max(0, isHTTP ? number(4) : number(2) &+ number(3)))
    }
  }

  /// Takes what `show table` says of the target's public requests: lines of `… key=<backend> …
  /// gpc0=<errors> http_req_cnt=<requests>`. `false`: it is no answer. A target without HTTP has no table.
  mutating func addPublic(_ key: TargetKey, _ text: String) -> Bool {
    if text.hasPrefix("Unknown table") { return true }
    guard text.hasPrefix("# table: \(key.frontend),") else { return false }
    var counts: [String: RequestCounts] = [:]
    for line in text.split(separator: "\n").dropFirst() {
      var words: [Substring: Substring] = [:]
      for word in line.split(separator: " ") {
        let pair = word.split(separator: "=", maxSplits: 1)
        if pair.count == 2 { words[pair[0]] = pair[1] }
      }
      guard let name = words["key"], let requests = words["http_req_cnt"].flatMap({ Int($0) }),
        let errors = words["gpc0"].flatMap({ Int($0) })
      else { return false }
      counts[String(name)] = RequestCounts(requests: requests, errors: errors)
    }
    publicRows[key] = counts
    return true
  }
}
