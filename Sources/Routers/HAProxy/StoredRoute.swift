import Foundation
import Model

/// A reading of CLOCK_BOOTTIME: goes on while the machine sleeps, never set by anyone.
struct BootTime: Hashable, Codable, Sendable {
  var bootID: String
  var milliseconds: Int

  /// Whether `duration` has passed since; a reboot ended every session of before.
  func hasPassed(_ duration: Duration, at now: BootTime) -> Bool {
    bootID != now.bootID || now.milliseconds - milliseconds >= duration.wholeMilliseconds
  }
}

/// What the router's files say of one target: the state that live is converged to, one safe stage
/// at a time. Written into the first line of the target's own configuration file, so that intent
/// and configuration are one atomic file.
struct StoredRoute: Hashable, Codable, Sendable {
  /// One stack in its slot.
  struct Entry: Hashable, Codable, Sendable {
    var slot: Slot
    var backend: Backend
    /// When its share became nothing: from then on its sessions have the drain deadline.
    var drainingSince: BootTime?
    /// Since when servers of it, by name, get nothing more while the others go on; nil: none leaves.
    var leaving: [String: BootTime]?

    func isSameStack(as other: Backend) -> Bool {
      backend.generation == other.generation && backend.launch == other.launch
        && (slot.check == .http) == (other.checkPath != nil)
    }
  }

  var target: TargetID
  var mode: TrafficPolicy.Mode
  var declaration: CanonicalValue
  var drainDeadline: Duration
  var afterDrain: TrafficPolicy.AfterDrain
  /// Sorted by slot.
  var entries: [Entry] = []
  var fallback: Slot?
  var chosen: Chosen?
  var sticky: Sticky?
  var preview: Slot?
  /// What the configuration reads of each request, needed or not any more; nil: nothing.
  var reads: [RequestPart]?

  var key: TargetKey { TargetKey(target) }
  func address(_ listener: Listener) -> ListenAddress? {
    ListenAddress(declaration: declaration, listener)
  }
  var addresses: [ListenAddress] { Listener.allCases.compactMap(address) }

  /// A route with nothing behind it: how every target's configuration is first loaded.
  init(empty route: Route) {
    target = route.target
    mode = route.mode
    declaration = route.declaration
    drainDeadline = route.drainDeadline
    afterDrain = route.afterDrain
  }

  /// The same stacks behind what `route` declares: needs a new configuration.
  func declared(by route: Route) -> StoredRoute {
    var stored = StoredRoute(empty: route)
    stored.entries = entries
    stored.keepPicks(of: self)
    return stored.reading(for: route)
  }

  /// The same with the drain policy of `route`, which no worker needs to know.
  func draining(as route: Route) -> StoredRoute {
    var stored = self
    stored.drainDeadline = route.drainDeadline
    stored.afterDrain = route.afterDrain
    return stored
  }

  func entry(_ slot: Slot) -> Entry? { entries.first { $0.slot == slot } }

  var route: Route {
    Route(
      target: target, mode: mode, declaration: declaration, drainDeadline: drainDeadline,
      afterDrain: afterDrain,
      backends: entries.map(\.backend).sorted { $0.generation < $1.generation },
      fallback: generation(fallback),
      chosen: chosen.flatMap { chosen in
        generation(chosen.slot).map { ChosenRequests(generation: $0, rules: chosen.rules) }
      },
      sticky: sticky.flatMap { sticky in
        generation(sticky.slot).map {
          StickyTraffic(cookie: sticky.cookie, generation: $0, maxAge: sticky.maxAge)
        }
      },
      preview: generation(preview))
  }

  private func generation(_ slot: Slot?) -> Generation? {
    slot.flatMap { entry($0)?.backend.generation }
  }

  /// Where the map says what the servers of a slot are checked by.
  static func pathKey(_ slot: Slot) -> String { "path-\(slot)" }

  private static func occupantKey(_ slot: Slot) -> String { "stack-\(slot)" }

  /// Who is in a slot, with the token of its launch, as a map says.
  static func occupant(
    of slot: Slot, in map: [String: String]
  ) -> (generation: Generation, launch: String)? {
    let said = map[occupantKey(slot)]?.split(separator: "/", maxSplits: 1).map(String.init) ?? []
    guard said.count == 2, said[0].hasPrefix("v"), let number = Int(said[0].dropFirst()) else {
      return nil
    }
    return (Generation(number), said[1])
  }

  /// Key → value of the target's map. `0` … `99` are the split: `rand(100)` picks one. The rest
  /// says who is in which slot, so that the occupancy changes in the same instant as the split.
  var map: [String: String] {
    var map: [String: String] = [:]
    var next = 0
    for entry in entries {
      for _ in 0..<entry.backend.weightPercent {
        map[String(next)] = key.backend(entry.slot)
        next += 1
      }
      map[Self.occupantKey(entry.slot)] = "\(entry.backend.generation)/\(entry.backend.launch)"
      if let path = entry.backend.checkPath { map[Self.pathKey(entry.slot)] = path }
    }
    if let fallback { map["fallback"] = key.backend(fallback) }
    map.merge(pickMap) { own, _ in own }
    return map
  }

  /// One line of JSON; equal values give equal bytes.
  var line: String? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else { return nil }
    return String(decoding: data, as: UTF8.self)
  }

  /// nil when the line is not one that the router wrote.
  init?(line: some StringProtocol) {
    guard let stored = try? JSONDecoder().decode(StoredRoute.self, from: Data(line.utf8)),
      stored.entries.allSatisfy({ (0...100).contains($0.backend.weightPercent) }),
      (stored.neededParts + (stored.reads ?? [])).allSatisfy({ isPartName($0.name) })
    else { return nil }
    self = stored
  }
}
