import Foundation
import Support

/// What a case does that is more than files: each by the name that the corpus gives it.
extension Lane {
  /// The answer is the commit that the branch leads to; empty: it leads to none.
  func make(_ words: String, _ files: [String: String], _ signer: String) throws -> String {
    let parts = words.split(separator: " ", maxSplits: 1).map(String.init)
    let argument = parts.count > 1 ? parts[1] : ""
    if let made = try history(parts[0], files, signer) { return made }
    if let made = try objects(parts[0], argument, files) { return made }
    if let made = try signatures(parts[0], argument, files) { return made }
    if let made = try others(parts[0], argument, files) { return made }
    throw Unexpected("Makes has no generator \"\(words)\"")
  }

  // MARK: - Histories

  private func history(
    _ name: String, _ files: [String: String], _ signer: String
  ) throws -> String? {
    switch name {
    case "unrelated-history": return try commit(files, to: [], message: "Another history")
    case "rewind":
      // What was good becomes the tip, and then the commit before it again.
      let parent = try repository.git(["rev-parse", "\(accepted)^"])
      try repository.force(to: parent)
      return parent
    case "sibling":
      let parent = try repository.git(["rev-parse", "\(accepted)^"])
      return try commit(files, to: [parent])
    case "empty-tree": return try commit([:], to: [accepted])
    case "no-declarations": return try commit(["note.yaml": "nothing: here\n"], to: [accepted])
    case "renamed-root":
      let tree = try repository.tree(of: files)
      return try commit(
        tree: try repository.rawTree(lines: [TreeLine("40000", "renamed", tree)]),
        to: [accepted], signer: signer)
    case "delete-branch":
      try repository.delete(branch: "main")
      return ""
    case "branch-to-tree":
      // Git refuses such a branch; a server need not.
      let tree = try repository.tree(of: files)
      try writeFile("\(repository.path)/refs/heads/main", Array("\(tree)\n".utf8))
      return tree
    case "tag-named-like-branch":
      let worse = try commit(bumped, to: [accepted], moves: false)
      try repository.git(["update-ref", "refs/tags/main", worse])
      try repository.git(["update-ref", "refs/tags/refs/heads/main", worse])
      return try repair(on: accepted)
    default: return nil
    }
  }

  // MARK: - Objects

  private func objects(
    _ name: String, _ argument: String, _ files: [String: String]
  ) throws -> String? {
    switch name {
    case "long-name": return try nested([String(repeating: "n", count: 256)], files)
    case "long-path":
      return try nested(Array(repeating: String(repeating: "p", count: 240), count: 18), files)
    case "deep-path": return try nested((0..<40).map { "d\($0)" }, files)
    case "same-trees": return try sameTrees(files)
    case "many-entries": return try manyEntries(Int(argument) ?? 0)
    case "many-refs": return try manyRefs(Int(argument) ?? 0)
    case "tag-chain": return try tagChain(Int(argument) ?? 0, files)
    case "half-tree":
      let line = TreeLine("100644", "hostile.yaml", String(repeating: "1", count: 40)).bytes
      return try commit(tree: try repository.raw("tree", Array(line.dropLast(7))), to: [accepted])
    case "blob-as-tree":
      return try commit(tree: try repository.blob(Array("tree".utf8)), to: [accepted])
    case "odd-commit":
      let tree = try repository.tree(of: files)
      let text =
        "tree \(tree)\nparent \(accepted)\nauthor\ncommitter <> 100000000000000000 +9999\n\n"
      let commit = try repository.raw("commit", Array(text.utf8))
      try writeFile("\(repository.path)/refs/heads/main", Array("\(commit)\n".utf8))
      return commit
    case "missing-object", "truncated-object", "swapped-object":
      return try damage(name, files)
    default: return nil
    }
  }

  /// A file below these directories.
  private func nested(_ names: [String], _ files: [String: String]) throws -> String {
    var id = try repository.blob(Array("# viridian.dev/\n".utf8))
    var mode = "100644"
    for name in names.reversed() {
      id = try repository.rawTree(lines: [TreeLine(mode, name, id)])
      mode = "40000"
    }
    let tree = try repository.tree(of: files)
    return try commit(
      tree: try repository.rawTree(
        lines: try repository.lines(of: tree) + [TreeLine("40000", "zzz", id)]), to: [accepted])
  }

  /// Ten trees to the sixth, in six objects.
  private func sameTrees(_ files: [String: String]) throws -> String {
    var id = try repository.blob(Array("a: b\n".utf8))
    var mode = "100644"
    for _ in 0..<6 {
      id = try repository.rawTree(lines: (0..<10).map { TreeLine(mode, "t\($0)", id) })
      mode = "40000"
    }
    let tree = try repository.tree(of: files)
    return try commit(
      tree: try repository.rawTree(
        lines: try repository.lines(of: tree) + [TreeLine("40000", "zzz", id)]), to: [accepted])
  }

  private func manyEntries(_ count: Int) throws -> String {
    let id = TreeLine.digits(try repository.blob(Array("a: b\n".utf8)))
    var bytes: [UInt8] = []
    for number in 0..<count {
      bytes += "100644 f\(1_000_000_000 + number)".utf8
      bytes.append(0)
      bytes += id
    }
    return try commit(tree: try repository.raw("tree", bytes), to: [accepted])
  }

  private func manyRefs(_ count: Int) throws -> String {
    let commit = try commit(bumped, to: [accepted])
    var text = "# pack-refs with: peeled fully-peeled sorted\n"
    for number in 0..<count { text += "\(commit) refs/heads/r\(1_000_000_000 + number)\n" }
    try writeFile("\(repository.path)/packed-refs", Array(text.utf8))
    return commit
  }

  private func tagChain(_ count: Int, _ files: [String: String]) throws -> String {
    var id = try commit(files, to: [accepted], moves: false)
    var type = "commit"
    for number in 0..<count {
      let text =
        "object \(id)\ntype \(type)\ntag t\(number)\ntagger Ann <a@b> 1750000000 +0000\n\nx\n"
      id = try repository.raw("tag", Array(text.utf8))
      type = "tag"
    }
    try writeFile("\(repository.path)/refs/heads/main", Array("\(id)\n".utf8))
    return id
  }

  /// A commit, one of whose objects is not as it should be on the server.
  private func damage(_ name: String, _ files: [String: String]) throws -> String {
    var files = files
    let text = "# viridian.dev/ \(UInt64.random(in: 0...UInt64.max))\n"
    files["hostile.yaml"] = "blob:\(try repository.blob(Array(text.utf8)))"
    let commit = try commit(files, to: [accepted])
    let id = files["hostile.yaml"]?.dropFirst(5) ?? ""
    let path = "\(repository.path)/objects/\(id.prefix(2))/\(id.dropFirst(2))"
    let bytes = try readFile(path)
    try FileManager.default.removeItem(atPath: path)
    switch name {
    case "missing-object": break
    case "truncated-object": try writeFile(path, Array(bytes.prefix(bytes.count / 2)))
    default:
      let other = try repository.blob(Array("# viridian.dev/ another\n".utf8))
      let its = "\(repository.path)/objects/\(other.prefix(2))/\(other.dropFirst(2))"
      try writeFile(path, try readFile(its))
    }
    return commit
  }

  // MARK: - Others

  private func others(
    _ name: String, _ argument: String, _ files: [String: String]
  ) throws -> String? {
    switch name {
    case "foreign-stack":
      try foreignStack(argument)
      return try repair(on: accepted)
    case "hungry": return try hungry(files)
    default: return nil
    }
  }

  /// What bears the name of a stack of ours and is none.
  private func foreignStack(_ kind: String) throws {
    let stacks = "\(state)/local/stacks"
    let own = try readFile("\(stacks)/web-\(name)-v001/certificate.json")
    let place = "\(stacks)/web-\(name)-v002"
    foreign.append(place)
    switch kind {
    case "link": symlink("/etc", place)
    case "no-certificate": mkdir(place, 0o700)
    case "forged-mac":
      let text = String(decoding: own, as: UTF8.self).replacing("1.0.0", with: "1.1.0")
      try writeFile("\(place)/certificate.json", Array(text.utf8))
    default: try writeFile("\(place)/certificate.json", own)
    }
  }

  /// Files that are each within every limit, and together more than a worker may hold.
  private func hungry(_ files: [String: String]) throws -> String {
    var files = files
    let head = "apiVersion: viridian.dev/v1alpha1\nkind: Target\nx: ["
    for number in 0..<30 {
      let text = head + String(repeating: "\(number),", count: 340_000) + "]\n"
      files["hungry/\(number).yaml"] = text
    }
    return try commit(files, to: [accepted])
  }

  // MARK: - Signatures

  private func signatures(
    _ name: String, _ argument: String, _ files: [String: String]
  ) throws -> String? {
    switch name {
    case "broken-signature": return try brokenSignature(argument, files)
    case "signed-after-unsigned":
      let unsigned = try commit(files, to: [accepted], signer: "nobody")
      return try commit(files, to: [unsigned], message: "Signed", signer: "ann")
    case "signed-merge":
      let side = try commit(["side": "x"], to: [accepted], signer: "nobody", moves: false)
      return try commit(files, to: [accepted, side], message: "Merge", signer: "ann")
    default: return nil
    }
  }

  private func brokenSignature(_ kind: String, _ files: [String: String]) throws -> String {
    let good = try commit(files, to: [accepted], signer: "ann", moves: false)
    let text = try repository.git(["cat-file", "commit", good])
    guard let start = text.firstRange(of: "gpgsig "), let end = text.firstRange(of: "\n\n") else {
      throw Unexpected("git signed nothing")
    }
    let signature =
      switch kind {
      case "empty": ""
      case "garbage": "-----BEGIN SSH SIGNATURE-----\n AAAA\n -----END SSH SIGNATURE-----"
      case "endless":
        "-----BEGIN SSH SIGNATURE-----\n " + String(repeating: "QUFB\n ", count: 100_000)
      default: "-----BEGIN CERTIFICATE-----\n AAAA\n -----END CERTIFICATE-----"
      }
    let bytes = Array((text[..<start.upperBound] + signature + text[end.lowerBound...] + "\n").utf8)
    let commit = try repository.raw("commit", bytes)
    try repository.force(to: commit)
    return commit
  }
}
