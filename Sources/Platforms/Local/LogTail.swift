import Glibc
import KeeperKit
import Model
import PlatformKit

/// The newest lines that instances wrote.
struct LogTail: Sendable {
  /// Read from the end of one log: some thousand usual lines.
  private static let bytes = 1 << 20

  let site: Site
  let files: StackFiles

  /// Logs carry no times, so the instances follow each other, each with an equal share.
  func read(_ certificate: BirthCertificate, lines: Int) throws(PlatformError) -> [LogLine] {
    let name = site.name(certificate)
    guard case .ours = try files.entry(name), lines > 0 else { return [] }
    let layout = site.layout(name)
    return try onHost { () throws(HostError) in
      let redaction = try Redaction(SecretFile(site, certificate).read())
      var tails: [[String]] = []
      for instance in 0..<certificate.spec.instances {
        tails.append(try Self.tail(layout.log(instance), lines))
      }
      let shares = Self.shares(tails.map(\.count), lines)
      return tails.enumerated().flatMap { instance, texts in
        texts.suffix(shares[instance]).map {
          LogLine(instance: instance, text: redaction.apply($0))
        }
      }
    }
  }

  /// Splits `total` evenly; what one does not need goes to the others.
  static func shares(_ wanted: [Int], _ total: Int) -> [Int] {
    var shares = Array(repeating: 0, count: wanted.count)
    var rest = total
    for (left, index) in wanted.indices.sorted(by: { wanted[$0] < wanted[$1] }).enumerated() {
      shares[index] = min(wanted[index], rest / (wanted.count - left))
      rest -= shares[index]
    }
    return shares
  }

  private static func tail(_ path: String, _ lines: Int) throws(HostError) -> [String] {
    let end = try Self.end(of: path, atMost: bytes)
    var texts = end.bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    if texts.last?.isEmpty == true { texts.removeLast() }
    // The first may have lost its beginning.
    if end.isCut { texts = Array(texts.dropFirst()) }
    return texts.suffix(lines).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Nothing of what is no plain file; `isCut`: there is more before it.
  static func end(
    of path: String, atMost limit: Int
  ) throws(HostError) -> (bytes: [UInt8], isCut: Bool) {
    guard let status = try HostFile.status(path), status.st_mode & S_IFMT == S_IFREG else {
      return ([], false)
    }
    let file = try Descriptor(open: path, O_RDONLY | O_NOFOLLOW)
    let count = min(Int(status.st_size), limit)
    var buffer = [UInt8](repeating: 0, count: count)
    let got = pread(file.number, &buffer, count, off_t(Int(status.st_size) - count))
    guard got >= 0 else { throw .system(what: "cannot read \(path)", errno: errno) }
    return (Array(buffer[..<got]), count < Int(status.st_size))
  }
}

/// Takes the values of secrets out of texts that leave the platform.
struct Redaction: Sendable {
  /// A shorter value would blank out parts of ordinary words, and hides nothing worth it.
  private static let shortest = 4
  private let values: [(key: String, value: String)]

  init(_ secrets: [String: String]?) {
    values = (secrets ?? [:]).filter { $0.value.utf8.count >= Self.shortest }
      .sorted { $0.value.utf8.count > $1.value.utf8.count }.map { ($0.key, $0.value) }
  }

  func apply(_ text: String) -> String {
    values.reduce(text) { $0.replacing($1.value, with: "${\($1.key)}") }
  }
}
