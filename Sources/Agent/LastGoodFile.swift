import Model

/// The form of a source's last good state on disk: blocks, of which the first is the whole state and
/// each further one says what a later commit has changed.
///
/// A block is a header line, one line for each of its targets, and a line with the MAC of the block
/// before and of all these lines. Pure.
enum LastGoodFile {
  private struct Header: Codable {
    /// Without its targets.
    var state: DesiredState
    var count: Int
    /// Declared before, and no more.
    var gone: [TargetID]
  }

  struct Found {
    var state: DesiredState
    /// Of the last block.
    var mac: String
    var firstBytes: Int
    /// Nothing stands behind the last block.
    var isWhole: Bool
  }

  private static let newline = UInt8(ascii: "\n")

  /// `earlier`: what the blocks before say; nil: this is the first. Both are sorted by target.
  static func block(
    of state: DesiredState, after earlier: DesiredState?, mac: String, key: IdentityKey
  ) throws -> (bytes: [UInt8], mac: String) {
    let changes = Changes(from: earlier?.targets ?? [], to: state.targets)
    var header = Header(state: state, count: changes.new.count, gone: changes.gone)
    header.state.targets = []
    var bytes = Array(try CanonicalJSON.text(header).utf8) + [newline]
    for target in changes.new {
      bytes += Array(try CanonicalJSON.text(target).utf8)
      bytes.append(newline)
    }
    let code = key.code(of: Array(mac.utf8) + bytes, purpose: "last-good/2")
    return (bytes + Array(code.utf8) + [newline], code)
  }

  /// nil for anything but blocks of ours. What a write that was cut short has left behind the last
  /// block was never in force, and is left out.
  static func read(_ bytes: [UInt8], key: IdentityKey) -> Found? {
    var found: Found?
    var rest = bytes[...]
    while !rest.isEmpty {
      let start = rest.startIndex
      guard let header = line(&rest) else { break }
      guard let said = decode(Header.self, header) else { return nil }
      var targets: [DesiredTarget] = []
      targets.reserveCapacity(min(said.count, 1 << 20))
      while targets.count < said.count, let text = line(&rest) {
        guard let target = decode(DesiredTarget.self, text) else { return nil }
        targets.append(target)
      }
      let end = rest.startIndex
      guard targets.count == said.count, let mac = line(&rest) else {
        rest = bytes[start...]
        break
      }
      let signed = Array((found?.mac ?? "").utf8) + bytes[start..<end]
      guard mac == key.code(of: signed, purpose: "last-good/2") else { return nil }
      var state = said.state
      state.targets = merge(found?.state.targets ?? [], targets, gone: Set(said.gone))
      found = Found(
        state: state, mac: mac, firstBytes: found?.firstBytes ?? rest.startIndex, isWhole: false)
    }
    found?.isWhole = rest.isEmpty
    return found
  }

  /// The next line without its end, taken; nil: there is no whole one.
  private static func line(_ rest: inout ArraySlice<UInt8>) -> String? {
    guard let end = rest.firstIndex(of: newline) else { return nil }
    defer { rest = rest[(end + 1)...] }
    return String(decoding: rest[rest.startIndex..<end], as: UTF8.self)
  }

  private static func decode<Value: Decodable>(_ type: Value.Type, _ text: String) -> Value? {
    do { return try CanonicalJSON.value(type, from: text) } catch { return nil }
  }

  private static func merge(
    _ old: [DesiredTarget], _ new: [DesiredTarget], gone: Set<TargetID>
  ) -> [DesiredTarget] {
    if old.isEmpty { return new }
    let replaced = gone.union(new.map(\.id))
    return (old.filter { !replaced.contains($0.id) } + new).sorted { $0.id < $1.id }
  }
}

/// What differs between two lists of targets that are sorted.
private struct Changes {
  var new: [DesiredTarget] = []
  var gone: [TargetID] = []

  init(from old: [DesiredTarget], to targets: [DesiredTarget]) {
    var place = 0
    for target in targets {
      while place < old.count, old[place].id < target.id {
        gone.append(old[place].id)
        place += 1
      }
      if place < old.count, old[place].id == target.id {
        if old[place] != target { new.append(target) }
        place += 1
      } else {
        new.append(target)
      }
    }
    gone += old[place...].map(\.id)
  }
}
