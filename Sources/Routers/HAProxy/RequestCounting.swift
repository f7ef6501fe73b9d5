package import Model
package import PlatformKit

/// The requests of each stack, as HAProxy's workers count them: a series is one slot of one worker.
///
/// Counted is what clients see: an answer of 5xx by the stack or, where the stack gave none in time, by HAProxy in
/// its place. A request that went to another server instead is none of it.
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
              let row = table[key.backend(slot)]
            else { continue }
            counts[key.target, default: [:]][generation, default: [:]]["\(pid)/\(slot)"] = row
          }
        }
      }
      return counts
    }
  }
}

/// The rows of backends in `show stat`, of which requests and errors are wanted.
struct BackendCounts {
  private var rows: [String: RequestCounts] = [:]

  subscript(_ backend: String) -> RequestCounts? { rows[backend] }

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
}
