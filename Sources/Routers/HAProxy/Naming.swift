import Model

/// `web.production`: a target as it appears in HAProxy's names. A dot is in no name of a target,
/// so two targets never share a key.
struct TargetKey: Hashable, Comparable, Sendable, CustomStringConvertible {
  let target: TargetID

  init(_ target: TargetID) { self.target = target }

  init?(parsing text: some StringProtocol) {
    let parts = String(text).split(separator: ".", omittingEmptySubsequences: false)
      .map(String.init)
    guard parts.count == 2, parts.allSatisfy(isValidName) else { return nil }
    target = TargetID(ApplicationName(rawValue: parts[0]), EnvironmentName(rawValue: parts[1]))
  }

  var description: String { "\(target.application).\(target.environment)" }
  var frontend: String { frontend(.listen) }
  func frontend(_ listener: Listener) -> String {
    switch listener {
    case .listen: "fe_\(self)"
    case .preview: "pv_\(self)"
    }
  }
  func backend(_ slot: Slot) -> String { "be_\(self)_\(slot)" }

  static func < (a: Self, b: Self) -> Bool { a.target < b.target }

  /// The key in a frontend's name.
  static func ofFrontend(_ name: String) -> TargetKey? {
    name.hasPrefix("fe_") ? TargetKey(parsing: name.dropFirst(3)) : nil
  }

  /// The key and slot in a backend's name.
  static func ofBackend(_ name: String) -> (key: TargetKey, slot: Slot)? {
    guard name.hasPrefix("be_"), let cut = name.lastIndex(of: "_") else { return nil }
    let start = name.index(name.startIndex, offsetBy: 3)
    guard start < cut, let key = TargetKey(parsing: name[start..<cut]),
      let slot = Slot(parsing: name[name.index(after: cut)...])
    else { return nil }
    return (key, slot)
  }
}

/// One of a target's backends, there from the start because HAProxy cannot add any at run time.
/// The kind of check belongs to the backend, so there are some of each kind: `h0`, `t0`.
struct Slot: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
  enum Check: String, Codable, Sendable, CaseIterable {
    case http = "h"
    case tcp = "t"
  }

  let check: Check
  let number: Int

  init(_ check: Check, _ number: Int) {
    self.check = check
    self.number = number
  }

  init?(parsing text: some StringProtocol) {
    guard let first = text.first, let check = Check(rawValue: String(first)),
      let number = Int(text.dropFirst()), number >= 0, "\(number)" == text.dropFirst()
    else { return nil }
    self.init(check, number)
  }

  var description: String { check.rawValue + String(number) }
  static func < (a: Self, b: Self) -> Bool {
    (a.check.rawValue, a.number) < (b.check.rawValue, b.number)
  }

  /// All slots of one target, in the order of the configuration.
  static func all(_ count: Int) -> [Slot] {
    Check.allCases.flatMap { check in (0..<count).map { Slot(check, $0) } }
  }
}

/// `web-production-v042-1f3a-i0.9001`: says whose instance a server is, and where it answered
/// when it was added; an instance that moved is a new server.
struct ServerName: Hashable, Sendable {
  let generation: Generation
  let launch: String
  let instance: Int
  let port: Int

  func text(_ key: TargetKey) -> String {
    Self.prefix(key) + "\(generation)-\(launch)-i\(instance).\(port)"
  }

  init(_ backend: Backend, _ endpoint: Endpoint) {
    generation = backend.generation
    launch = backend.launch
    instance = endpoint.instance
    port = endpoint.port
  }

  /// nil for a name that is not ours.
  init?(parsing text: String, _ key: TargetKey) {
    guard text.hasPrefix(Self.prefix(key) + "v"), let cut = text.range(of: "-i", .backwards)
    else { return nil }
    let front = text[..<cut.lowerBound].dropFirst(Self.prefix(key).count + 1)
    let numbers = text[cut.upperBound...].split(
      separator: ".", omittingEmptySubsequences: false
    ).map { Int($0) }
    guard let dash = front.firstIndex(of: "-"), let number = Int(front[..<dash]),
      numbers.count == 2, let instance = numbers[0], let port = numbers[1]
    else { return nil }
    generation = Generation(number)
    launch = String(front[front.index(after: dash)...])
    self.instance = instance
    self.port = port
    guard self.text(key) == text else { return nil }
  }

  private static func prefix(_ key: TargetKey) -> String {
    "\(key.target.application)-\(key.target.environment)-"
  }
}

extension String {
  enum Direction { case backwards }
  /// The last place where `needle` is, by bytes.
  fileprivate func range(of needle: String, _: Direction) -> Range<String.Index>? {
    var end = endIndex
    while end > startIndex {
      end = index(before: end)
      if self[end...].hasPrefix(needle) { return end..<index(end, offsetBy: needle.count) }
    }
    return nil
  }
}
