import Manifest
import Model
import PlatformKit
import Testing

@Suite struct EditorTests {
  private func edit(
    _ text: String, _ version: String, _ target: TargetID = web
  ) throws(DecodingProblems) -> String {
    let file = ManifestFile(path: "a.yaml", bytes: Array(text.utf8))
    let other = ManifestFile(path: "b.yaml", bytes: Array("kind: Other\n".utf8))
    let edit = try ManifestEditor.setVersion(version, of: target, in: [other, file])
    return String(decoding: edit.bytes, as: UTF8.self)
  }

  /// A Target whose version is written as `scalar`, with all that an editor may spoil.
  private func document(_ scalar: String) -> String {
    """
    # Überschrift: version: 2.1.0 ünd mehr
    apiVersion: viridian.dev/v1alpha1   # Kommentar
    kind: Target
    metadata: {name: web,   labels: {é: "ü"}}
    spec: {application: web, x-ü: "2.1.0 é",  environment: production, version:   \(scalar)  , instances: 4} # end
    ---
    # 2.1.0
    other: 2.1.0
    """ + "\r\n"
  }

  @Test(arguments: [("2.1.0", "3.0.0"), ("\"2.1.0\"", "\"3.0.0\""), ("'2.1.0'", "'3.0.0'")])
  func `only the version's own bytes change`(_ old: String, _ new: String) throws {
    #expect(try edit(document(old), "3.0.0") == document(new))
  }

  @Test func `the short form is edited in place`() throws {
    let text = """
      apiVersion: viridian.dev/v1alpha1
      kind: Environment
      metadata: { name: production }
      spec:
        platform: local
        targets:
          mailer: 2.1.0   # the mailer
          web: 2.1.0      # the web

      """
    let edited = try edit(text, "2.1.0-rc.1")
    #expect(edited == text.replacing("web: 2.1.0 ", with: "web: 2.1.0-rc.1 "))
  }

  @Test(arguments: ["1.0\nkind: x", "../x", "", "a b", "-rf", "${version}", "1: 2", "#1"])
  func `what is no version is never written`(_ version: String) {
    #expect(throws: DecodingProblems.self) { try edit(document("2.1.0"), version) }
  }

  @Test func `a version that YAML would read as nothing is not written plainly`() {
    #expect(throws: DecodingProblems.self) { try edit(document("2.1.0"), "null") }
  }

  @Test func `a version written with escapes or over lines is not edited`() {
    #expect(throws: DecodingProblems.self) { try edit(document("\"2.1\\u002e0\""), "3.0.0") }
    let block = Example.target.replacing("version: 2.1.0", with: "version: >-\n    2.1.0")
    #expect(throws: DecodingProblems.self) { try edit(block, "3.0.0") }
  }

  @Test func `a target that is not declared, or twice, is said so`() {
    #expect(throws: DecodingProblems.self) {
      try edit(document("2.1.0"), "3.0.0", TargetID("web", "staging"))
    }
    #expect(throws: DecodingProblems.self) {
      try edit(document("2.1.0") + "---\n" + document("2.1.0"), "3.0.0")
    }
  }

  @Test func `when a file cannot be read its own problem is shown`() {
    let problem = #expect(throws: DecodingProblems.self) {
      try edit("apiVersion: viridian.dev/v1alpha1\na: [\n", "3.0.0")
    }
    #expect(problem?.diagnostics.first?.file == "a.yaml")
  }

  @Test func `an edited repository deploys the new version`() throws {
    let edit = try ManifestEditor.setVersion("9.9.9", of: web, in: Example().files)
    #expect(edit.path == "target.yaml")
    let target = Example(target: String(decoding: edit.bytes, as: UTF8.self)).onlyTarget()
    #expect(target?.version == "9.9.9")
  }
}
