import CGit2
import Glibc
import Model

/// What a commit says of itself.
struct CommitText {
  let tree: String
  let parents: [CommitID]
  /// Seconds since 1970.
  let committed: Int
  /// At most 200 characters, without control characters.
  let subject: String
  let author: String
  /// The trailer `Viridian-Override-Freeze`, with a reason: at most 200 characters, without control characters.
  let freezeOverride: String?

  init(_ id: CommitID, in store: Store) throws(GitFailure) {
    var name = try objectID(id.rawValue)
    var commit: OpaquePointer?
    try check(git_commit_lookup(&commit, store.repository, &name), "read commit \(id)")
    defer { git_commit_free(commit) }
    guard let treeID = git_commit_tree_id(commit) else {
      throw GitFailure(code: -1, doing: "read commit \(id)")
    }
    tree = hexadecimal(treeID.pointee)
    parents = (0..<git_commit_parentcount(commit)).compactMap { index in
      git_commit_parent_id(commit, index).map { CommitID(rawValue: hexadecimal($0.pointee)) }
    }
    // Within the years 1970 to 9999, whatever the commit claims.
    committed = min(max(0, Int(git_commit_time(commit))), 253_402_300_799)
    subject = Self.line(git_commit_message(commit))
    freezeOverride = try Self.trailer("viridian-override-freeze", git_commit_message(commit))
    let signature = git_commit_author(commit)
    author = "\(Self.line(signature?.pointee.name)) <\(Self.line(signature?.pointee.email))>"
  }

  /// Of the last paragraph, as git reads it; the key's case means nothing. nil: none, or nothing behind it.
  private static func trailer(
    _ key: String, _ message: UnsafePointer<CChar>?
  ) throws(GitFailure) -> String? {
    guard let message, strnlen(message, longestMessage) < longestMessage else { return nil }
    var found = git_message_trailer_array()
    try check(git_message_trailers(&found, message), "read the trailers of a commit")
    defer { git_message_trailer_array_free(&found) }
    let all = UnsafeBufferPointer(start: found.trailers, count: found.count)
    let values = all.filter { String(cString: $0.key).lowercased() == key }.map { trailer in
      line(trailer.value).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
    return values.last { !$0.isEmpty }
  }

  /// Nobody writes a longer one; its trailers are not looked for.
  private static let longestMessage = 64 << 10

  private static func line(_ text: UnsafePointer<CChar>?) -> String {
    guard let text else { return "" }
    let line = String(cString: text).prefix { !$0.isNewline }.prefix(200)
    return String(
      String.UnicodeScalarView(line.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }))
  }
}
