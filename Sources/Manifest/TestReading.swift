import Model
import PlatformKit

extension MappingReader {
  /// `rollout.tests`.
  func tests(_ problems: inout [Diagnostic]) -> [TestDeclaration] {
    var tests: [TestDeclaration] = []
    for node in list("tests") {
      let reader = MappingReader(node)
      guard let name = reader.text("name"), let call = reader.call(&problems) else { continue }
      if tests.contains(where: { $0.name == name }) {
        problems.append(node.error("two tests are called \(name)"))
      }
      tests.append(
        TestDeclaration(name: name, call: call, deadline: reader.deadline(&problems)))
    }
    if !(1...20).contains(list("tests").count), let node = self["tests"] {
      problems.append(node.error("\"tests\" has 1 to 20 entries"))
    }
    return tests
  }

  private func call(_ problems: inout [Diagnostic]) -> TestDeclaration.Call? {
    let (http, command) = (mapping("http"), list("command"))
    guard (http == nil) != command.isEmpty else {
      problems.append(node.error("a test has either http or a command"))
      return nil
    }
    guard let http else {
      problems += commandProblems
      return .command(command.map { checked($0, &problems) })
    }
    problems += http.unknownNames
    let (path, expect) = http.request(&problems)
    return .http(path: path, expect: expect, contains: http.text("contains"))
  }

  private func checked(_ argument: ManifestNode, _ problems: inout [Diagnostic]) -> String {
    let text = argument.text ?? ""
    if text.replacing(Self.version, with: "").contains("${") {
      problems.append(argument.error("a test knows ${version} alone"))
    }
    return text
  }

  /// What `${…}` in a test may stand for.
  private static var version: String { "${version}" }

  private var unknownNames: [Diagnostic] {
    ["path", "contains"].compactMap { key in
      let text = text(key)?.replacing(Self.version, with: "") ?? ""
      guard text.contains("${") else { return nil }
      return (self[key] ?? node).error("a test knows ${version} alone")
    }
  }

  private func deadline(_ problems: inout [Diagnostic]) -> Duration {
    guard let node = self["deadline"], let value = duration("deadline") else {
      return .seconds(30)
    }
    if value < .seconds(1) || value > .seconds(3600) {
      problems.append(node.error("\"deadline\" must be from 1s to 1h"))
    }
    return value
  }
}

extension TestDeclaration {
  /// The same test, of this version.
  func of(version: String) -> TestDeclaration {
    var test = self
    switch call {
    case .http(let path, let expect, let contains):
      test.call = .http(
        path: path.replacing("${version}", with: version), expect: expect,
        contains: contains?.replacing("${version}", with: version))
    case .command(let command):
      test.call = .command(command.map { $0.replacing("${version}", with: version) })
    }
    return test
  }
}
