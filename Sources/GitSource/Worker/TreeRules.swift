/// Which names may stand in a tree that we read. Git forbids some of them, but a server can send
/// what it likes.
enum TreeRules {
  /// What is wrong with the name, for people; nil when nothing is.
  static func problem(withName bytes: [UInt8]) -> String? {
    guard !bytes.isEmpty else { return "an empty name" }
    guard bytes.count <= 255 else { return "a name of more than 255 bytes" }
    guard let name = String(validating: bytes, as: UTF8.self) else {
      return "a name that is not UTF-8"
    }
    guard name != ".", name != ".." else { return "the name \"\(name)\"" }
    guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      return "a name with control characters"
    }
    guard !bytes.contains(UInt8(ascii: "/")), !bytes.contains(UInt8(ascii: "\\")) else {
      return "a name with a slash or backslash"
    }
    guard !isLikeDotGit(name) else { return "a name that some file systems take for .git" }
    return nil
  }

  /// HFS+ ignores some characters, NTFS ignores case, trailing dots and spaces, and has short
  /// names and streams.
  private static func isLikeDotGit(_ name: String) -> Bool {
    let visible = name.unicodeScalars.filter { !isIgnorable($0) }
    let text = String(String.UnicodeScalarView(visible)).lowercased()
    let base = text.prefix { $0 != ":" }
    let trimmed = base.reversed().drop { $0 == "." || $0 == " " }.reversed()
    return [".git", "git~1"].contains(String(trimmed))
  }

  private static func isIgnorable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x200C...0x200F, 0x202A...0x202E, 0x206A...0x206F, 0xFEFF: true
    default: false
    }
  }
}

/// One entry of a Git tree object.
struct TreeEntry: Hashable {
  enum Kind: Hashable {
    case directory
    case file(isExecutable: Bool)
    case symlink
    case submodule
  }

  var kind: Kind
  var name: String
  /// 20 bytes.
  var id: [UInt8]

  /// Reads a raw tree object; any deviation from Git's format or the name rules is a problem.
  static func parse(_ bytes: [UInt8], at path: String) throws(CommitProblem) -> [TreeEntry] {
    var entries: [TreeEntry] = []
    var names: Set<String> = []
    var rest = bytes[...]
    while !rest.isEmpty {
      guard let space = rest.firstIndex(of: 0x20), let end = rest[space...].firstIndex(of: 0),
        rest.endIndex - end > 20, let kind = kind(rest[..<space])
      else { throw CommitProblem("\(display(path)) is not a valid Git tree") }
      let nameBytes = Array(rest[(space + 1)..<end])
      if let problem = TreeRules.problem(withName: nameBytes) {
        throw CommitProblem("\(display(path)) holds \(problem)")
      }
      let name = String(decoding: nameBytes, as: UTF8.self)
      guard names.insert(name).inserted else {
        throw CommitProblem("\(display(path)) holds \"\(name)\" twice")
      }
      entries.append(TreeEntry(kind: kind, name: name, id: Array(rest[(end + 1)..<(end + 21)])))
      rest = rest[(end + 21)...]
    }
    return entries
  }

  private static func kind(_ mode: ArraySlice<UInt8>) -> Kind? {
    switch String(decoding: mode, as: UTF8.self) {
    case "40000": .directory
    case "100644", "100664": .file(isExecutable: false)
    case "100755": .file(isExecutable: true)
    case "120000": .symlink
    case "160000": .submodule
    default: nil
    }
  }

  private static func display(_ path: String) -> String {
    path.isEmpty ? "the top directory" : "\"\(path)\""
  }
}

/// Why a commit is rejected as a whole.
struct CommitProblem: Error {
  let message: String
  init(_ message: String) { self.message = message }
}
