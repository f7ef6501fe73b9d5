import CGit2
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
    let signature = git_commit_author(commit)
    author = "\(Self.line(signature?.pointee.name)) <\(Self.line(signature?.pointee.email))>"
  }

  private static func line(_ text: UnsafePointer<CChar>?) -> String {
    guard let text else { return "" }
    let line = String(cString: text).prefix { !$0.isNewline }.prefix(200)
    return String(
      String.UnicodeScalarView(line.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }))
  }
}
