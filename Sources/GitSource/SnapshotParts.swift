/// What travels beside the JSON between agent and worker: what the agent holds of the last commit
/// on the way in, what is new of this one on the way out.
///
/// Readings are opaque to the agent, as are the names of targets: it keeps what a worker made of a
/// blob, gives it back for the same blob, and never looks inside.
struct SnapshotParts: Hashable, Sendable {
  /// One file, read.
  struct File: Hashable, Sendable {
    /// Of the blob: the limit on all files together counts those that are not read, too.
    var bytes: Int
    var reading: [UInt8]
  }

  /// 20 bytes: equal ids mean equal bytes.
  typealias BlobID = [UInt8]
  /// 32 bytes: the SHA-256 of all that a target says, but the commit. Equal names mean equal targets.
  typealias TargetName = [UInt8]

  /// By blob. Inwards: all that are held; outwards: those that were read.
  var files: [BlobID: File] = [:]
  /// Outwards: held files that are in this commit as well.
  var kept: [BlobID] = []
  /// Inwards: all that are held; outwards: all of this commit, sorted by the target's id. The answer
  /// itself has only the targets whose names are not held.
  var targets: [TargetName] = []

  /// More is not held: every commit is then read as a whole. 20,000 targets in files of their own
  /// take about 20 MiB.
  static let mostBytes = 64 << 20

  private static let blobBytes = 20
  private static let nameBytes = 32

  /// What `encoded` takes.
  var size: Int {
    files.values.reduce(12) { $0 + Self.blobBytes + 8 + $1.reading.count }
      + kept.count * Self.blobBytes + targets.count * Self.nameBytes
  }

  var encoded: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size)
    bytes += Self.count(files.count)
    for (id, file) in files {
      bytes += id
      bytes += Self.count(file.bytes)
      bytes += Self.count(file.reading.count)
      bytes += file.reading
    }
    bytes += Self.count(kept.count)
    for id in kept { bytes += id }
    bytes += Self.count(targets.count)
    for name in targets { bytes += name }
    return bytes
  }

  init(files: [BlobID: File] = [:], kept: [BlobID] = [], targets: [TargetName] = []) {
    self.files = files
    self.kept = kept
    self.targets = targets
  }

  /// nil for bytes that `encoded` never gives. Allocates no more than there are bytes.
  init?(_ bytes: [UInt8]) {
    var rest = bytes[...]
    guard let fileCount = Self.number(&rest) else { return nil }
    for _ in 0..<fileCount {
      guard let id = Self.take(Self.blobBytes, &rest), let size = Self.number(&rest),
        let length = Self.number(&rest), let reading = Self.take(length, &rest)
      else { return nil }
      files[id] = File(bytes: size, reading: reading)
    }
    guard let kept = Self.list(of: Self.blobBytes, &rest),
      let targets = Self.list(of: Self.nameBytes, &rest), rest.isEmpty
    else { return nil }
    (self.kept, self.targets) = (kept, targets)
  }

  private static func count(_ value: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt32(value).littleEndian) { Array($0) }
  }

  private static func number(_ rest: inout ArraySlice<UInt8>) -> Int? {
    take(4, &rest).map { $0.reversed().reduce(0) { $0 << 8 | Int($1) } }
  }

  private static func take(_ count: Int, _ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
    guard count <= rest.count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }

  private static func list(of bytes: Int, _ rest: inout ArraySlice<UInt8>) -> [[UInt8]]? {
    guard let count = number(&rest), count * bytes <= rest.count else { return nil }
    return (0..<count).compactMap { _ in take(bytes, &rest) }
  }
}

/// One message of the pipe: JSON, and the parts behind it.
struct WorkerMessage {
  var json: [UInt8]
  var parts: SnapshotParts

  init(json: [UInt8], parts: SnapshotParts = SnapshotParts()) {
    self.json = json
    self.parts = parts
  }

  /// The JSON's length in eight bytes, the JSON, the parts.
  var encoded: [UInt8] {
    withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json + parts.encoded
  }

  /// nil for anything but a whole message.
  init?(_ bytes: [UInt8]) {
    let length = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard bytes.count >= 8, length <= UInt64(bytes.count - 8) else { return nil }
    let end = 8 + Int(length)
    guard let parts = SnapshotParts(Array(bytes[end...])) else { return nil }
    self.init(json: Array(bytes[8..<end]), parts: parts)
  }
}
