import Foundation
import Model

/// Requests that reach a stack past the split: chosen ones, those of users who stay, and those of the
/// preview listener.
extension StoredRoute {
  struct Chosen: Hashable, Codable, Sendable {
    var slot: Slot
    var rules: [RequestRule]
  }

  struct Sticky: Hashable, Codable, Sendable {
    var slot: Slot
    var cookie: String
    var maxAge: Duration
  }

  /// The picks of `route`, of stacks that have a slot.
  mutating func pick(as route: Route) {
    func slot(_ generation: Generation) -> Slot? {
      let backend = route.backends.first { $0.generation == generation }
      return backend.flatMap { wanted in entries.first { $0.isSameStack(as: wanted) }?.slot }
    }
    chosen = route.chosen.flatMap { wanted in
      slot(wanted.generation).map { Chosen(slot: $0, rules: wanted.rules) }
    }
    sticky = route.sticky.flatMap { wanted in
      slot(wanted.generation).map {
        Sticky(slot: $0, cookie: wanted.cookie, maxAge: wanted.maxAge)
      }
    }
    preview = route.preview.flatMap(slot)
    fallback = route.fallback.flatMap(slot)
  }

  /// The picks and the fallback of `other` that what is declared here has room for.
  mutating func keepPicks(of other: StoredRoute) {
    fallback = other.fallback
    if mode == .http { (chosen, sticky) = (other.chosen, other.sticky) }
    if address(.preview) != nil { preview = other.preview }
  }

  /// The same without the preview's listener.
  func withoutPreview() -> StoredRoute {
    var stored = self
    let members = declaration.object?.filter { $0.key != Listener.preview.rawValue }
    stored.declaration = .object(members ?? [:])
    stored.preview = nil
    return stored
  }

  /// The same with everything read that its own picks and those of `route` look at, and nothing else.
  func reading(for route: Route) -> StoredRoute {
    var stored = self
    let parts = neededParts + (mode == .http ? RequestPart.all(of: route) : [])
    stored.reads = parts.isEmpty ? nil : Set(parts).sorted()
    return stored
  }

  var neededParts: [RequestPart] {
    RequestPart.all(chosen: chosen?.rules, sticky: sticky?.cookie)
  }

  /// Some requests reach the slot, by its share or past it.
  func isUsed(_ slot: Slot) -> Bool {
    (entry(slot)?.backend.weightPercent ?? 0) > 0
      || [chosen?.slot, sticky?.slot, preview].contains(slot)
  }

  /// A worker shows by it, as the name of its listener, which parts it reads; nil: none.
  var readsMark: String? {
    reads.map { Self.markPrefix + Digest.of($0.map { $0.key("") }.joined()).hex.prefix(12) }
  }

  static let markPrefix = "reads-"

  // MARK: - In the map

  /// Keys of parts lead to `chosen` or `sticky`, and these to a backend.
  var pickMap: [String: String] {
    var map: [String: String] = [:]
    if let chosen {
      map["chosen"] = key.backend(chosen.slot)
      for rule in chosen.rules { map[RequestPart(rule).key(rule.value)] = "chosen" }
    }
    if let sticky, let stack = entry(sticky.slot)?.backend {
      let value = "\(stack.generation).\(stack.launch)"
      map["sticky"] = key.backend(sticky.slot)
      map[RequestPart(.sticky, sticky.cookie).key(value)] = "sticky"
      map[key.backend(sticky.slot) + Self.cookieSuffix] =
        "\(sticky.cookie)=\(value); Path=/; Max-Age=\(sticky.maxAge.components.seconds);"
        + " HttpOnly; SameSite=Lax"
    }
    if let preview { map["preview"] = key.backend(preview) }
    return map
  }

  /// After a backend's name: the cookie that its answers set.
  static let cookieSuffix = "@set-cookie"

  /// What `map` says.
  mutating func readPicks(_ map: [String: String]) {
    func slot(_ name: String) -> Slot? { map[name].flatMap { TargetKey.ofBackend($0) }?.slot }
    fallback = slot("fallback")
    preview = slot("preview")
    chosen = slot("chosen").map { slot in
      let keys = map.filter { $0.value == "chosen" }.keys
      return Chosen(slot: slot, rules: keys.compactMap { RequestRule(mapKey: $0) }.sorted())
    }
    sticky = slot("sticky").flatMap { slot in
      let said = map[key.backend(slot) + Self.cookieSuffix] ?? ""
      let words = said.split(separator: "; ").map { $0.split(separator: "=", maxSplits: 1) }
      guard let cookie = words.first?.first.map(String.init), isPartName(cookie),
        let age = words.first(where: { $0.first == "Max-Age" })?.last.flatMap({ Int($0) })
      else { return nil }
      return Sticky(slot: slot, cookie: cookie, maxAge: .seconds(age))
    }
  }
}
