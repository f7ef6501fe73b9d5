import Model
import PlatformKit

extension MappingReader {
  /// `rollout.tests`.
  func tests(_ problems: inout [Diagnostic]) -> [TestDeclaration] {
    var tests: [TestDeclaration] = []
    for node in list("tests") {
      let reader = MappingReader(node)
      guard let name = reader.text("name"), let http = reader.mapping("http") else { continue }
      if tests.contains(where: { $0.name == name }) {
        problems.append(node.error("two tests are called \(name)"))
      }
      let (path, expect) = http.request(&problems)
      problems += http.unknownNames
      tests.append(
        TestDeclaration(
          name: name, call: .http(path: path, expect: expect, contains: http.text("contains")),
          deadline: reader.deadline(&problems)))
    }
    if !(1...20).contains(list("tests").count), let node = self["tests"] {
      problems.append(node.error("\"tests\" has 1 to 20 entries"))
    }
    return tests
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
    }
    return test
  }
}
