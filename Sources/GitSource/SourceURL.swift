import Model

/// Where a source's repository lies, checked before anything is connected to.
enum SourceURL: Hashable, Sendable {
  case http(String)
  case ssh(user: String?, host: String, port: Int?, path: String)
  case file(path: String)

  init(_ text: String, allowInsecureHTTP: Bool) throws(SourceError) {
    let isClean = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && text.utf8.count <= 2048
    guard isClean else { throw Self.wrong(text, "has spaces, control or non-ASCII characters") }
    if text.hasPrefix("https://") || text.hasPrefix("http://") {
      guard text.hasPrefix("https://") || allowInsecureHTTP else {
        throw Self.wrong(text, "is not encrypted: use https, or set allowInsecureHTTP")
      }
      self = .http(try Self.http(text))
    } else if text.hasPrefix("ssh://") {
      self = try Self.ssh(String(text.dropFirst(6)), original: text)
    } else if text.hasPrefix("file:///") {
      self = .file(path: String(text.dropFirst(7)))
    } else if text.hasPrefix("/") {
      self = .file(path: text)
    } else if !text.contains("://"), !text.contains("::"), let colon = text.firstIndex(of: ":") {
      let path = text[text.index(after: colon)...]
      self = try Self.ssh(text[..<colon] + "/" + path, original: text, isRelative: true)
    } else {
      throw Self.wrong(text, "must begin with https://, ssh:// or file:///, or be user@host:path")
    }
  }

  /// `host` or `host:port`, for messages.
  var place: String {
    switch self {
    case .http(let url):
      String(url.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" })
    case .ssh(_, let host, let port, _): port.map { "\(host):\($0)" } ?? host
    case .file(let path): path
    }
  }

  private static func http(_ text: String) throws(SourceError) -> String {
    let rest = text.drop { $0 != "/" }.dropFirst(2)
    let host = rest.prefix { $0 != "/" }
    guard !host.contains("@") else {
      throw wrong("\(text.prefix { $0 != "/" })//…", "holds credentials: put them into a file")
    }
    guard !host.isEmpty, !rest.contains("?"), !rest.contains("#"), !rest.contains("\\") else {
      throw wrong(text, "needs a host, and no query or fragment")
    }
    return text.hasSuffix("/") ? String(text.dropLast()) : text
  }

  private static func ssh(
    _ rest: String, original: String, isRelative: Bool = false
  ) throws(SourceError) -> SourceURL {
    guard let slash = rest.firstIndex(of: "/") else { throw wrong(original, "has no path") }
    var authority = String(rest[..<slash])
    var path = String(rest[slash...])
    // `host:path` and `ssh://host/~/path` are relative to the user's home.
    if isRelative || path.hasPrefix("/~") { path.removeFirst() }
    var user: String?
    if let at = authority.lastIndex(of: "@") {
      user = String(authority[..<at])
      authority = String(authority[authority.index(after: at)...])
    }
    let (host, port) = try hostAndPort(authority, original)
    let isName = { (text: String, extra: String) in
      !text.isEmpty && !text.hasPrefix("-")
        && text.allSatisfy { $0.isLetter || $0.isNumber || extra.contains($0) }
    }
    guard isName(host, ".-_:"), user.map({ isName($0, ".-_") }) ?? true else {
      throw wrong(original, "has a user or host that ssh could take for something else")
    }
    guard path.count > 1, !path.hasPrefix("-"),
      !path.contains(where: { "'\"`\\!$;&|<>".contains($0) })
    else { throw wrong(original, "has a path that is empty, begins with - or has quotes") }
    return .ssh(user: user, host: host, port: port, path: path)
  }

  private static func hostAndPort(
    _ text: String, _ original: String
  ) throws(SourceError) -> (String, Int?) {
    if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
      let host = String(text[text.index(after: text.startIndex)..<end])
      return (host, try port(text[text.index(after: end)...], original))
    }
    let host = text.prefix { $0 != ":" }
    return (String(host), try port(text[host.endIndex...], original))
  }

  private static func port(_ text: Substring, _ original: String) throws(SourceError) -> Int? {
    guard !text.isEmpty else { return nil }
    guard text.hasPrefix(":"), let port = Int(text.dropFirst()), (1...65535).contains(port) else {
      throw wrong(original, "has a wrong port")
    }
    return port
  }

  private static func wrong(_ text: String, _ why: String) -> SourceError {
    .configuration("the source URL \(text.filter { !$0.isNewline }) \(why)")
  }
}

extension SourceConfiguration {
  /// Everything that can be known to be wrong before the first connection.
  func validated() throws(SourceError) -> SourceURL {
    guard isValidName(name.rawValue) else {
      throw .configuration("\"\(name)\" is not a source name: a-z, 0-9 and -, at most 40")
    }
    let location = try SourceURL(url, allowInsecureHTTP: allowInsecureHTTP)
    for directory in [path] + (artifactRoots ?? []) where !directory.isEmpty {
      let parts = directory.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.allSatisfy({ TreeRules.problem(withName: Array($0.utf8)) == nil }) else {
        throw .configuration("source \(name): \"\(directory)\" is not a directory's path")
      }
    }
    if case .ssh = location, knownHostsFile == nil {
      throw .configuration(
        "source \(name): ssh needs knownHosts: a file (ssh-keyscan \(location.place), then compare)"
      )
    }
    let names = [fullReference].compactMap { $0 }
    guard names.allSatisfy(ReferenceRules.isValid) else {
      throw .configuration("source \(name): \(names.joined()) is not a branch or tag")
    }
    if case .commit(let commit) = reference, !isObjectID(commit.rawValue) {
      throw .configuration("source \(name): a commit is 40 lower-case hexadecimal digits")
    }
    let check = verification
    if check.policy == .require, check.allowedSignersFile == nil, check.gpgKeyrings.isEmpty {
      throw .configuration(
        "source \(name): verification needs allowedSignersFile or gpgKeyrings to require signatures"
      )
    }
    return location
  }

  /// `refs/heads/main`; nil for an exact commit.
  var fullReference: String? {
    switch reference {
    case .branch(let name): "refs/heads/\(name)"
    case .tag(let name): "refs/tags/\(name)"
    case .commit: nil
    }
  }
}

enum ReferenceRules {
  /// Git's rules for a full reference name, and no leading `-`.
  static func isValid(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    let bad = parts.contains {
      $0.isEmpty || $0.hasPrefix(".") || $0.hasPrefix("-") || $0.hasSuffix(".lock")
        || $0.hasSuffix(".")
    }
    let forbidden = " ~^:?*[\\"
    return !bad && !name.contains("..") && !name.contains("@{")
      && name.unicodeScalars.allSatisfy {
        $0.value > 0x20 && $0.value != 0x7F && !forbidden.unicodeScalars.contains($0)
      }
  }
}

/// 40 lower-case hexadecimal digits.
func isObjectID(_ text: String) -> Bool {
  text.utf8.count == 40
    && text.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
}
