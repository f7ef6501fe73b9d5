import Model
import Planning
import Testing

@Suite struct DriftComparisonTests {
  private let app = FieldPath("release", "/files/app")
  private let inode = FieldPath("release", "/inode")
  private let fingerprint = Fingerprint(
    schema: 1, declared: [FieldPath("release", "/files/app"): "good"],
    settled: [FieldPath("release", "/inode"): "7"])

  private func findings(
    _ readings: [FieldPath: FieldReading], fingerprint: Fingerprint?, ignoring: [String] = [],
    schema: Int = 1, exhaustive: [FieldPath] = []
  ) -> [Finding] {
    let inspection = Inspection(
      schema: schema, readings: readings, declared: [app: "good"], exhaustive: exhaustive,
      actors: [app: "root at 12:00"])
    return DriftComparison.findings(
      inspection, against: fingerprint, ignoring: ignoring, stack: "web-production-v001")
  }

  @Test func `nothing differs`() {
    #expect(findings([app: .value("good"), inode: .value("7")], fingerprint: fingerprint) == [])
  }

  @Test func `a finding names resource, path, expected, actual and who`() {
    let all = findings([app: .value("evil"), inode: .value("7")], fingerprint: fingerprint)
    #expect(
      all == [
        Finding(
          word: .modified, resource: "web-production-v001 release", path: "/files/app",
          expected: "good", actual: "evil", actor: "root at 12:00")
      ])
  }

  @Test func `what is not there any more is DELETED`() {
    let all = findings([app: .absent, inode: .value("7")], fingerprint: fingerprint)
    #expect(all.map(\.word) == [.deleted])
  }

  @Test func `what cannot be read, or was not, is NOT_CHECKED`() {
    let all = findings([app: .unreadable(reason: "denied")], fingerprint: fingerprint)
    #expect(all.map(\.word) == [.notChecked, .notChecked])
  }

  @Test func `what was never recorded and cannot be read is NOT_CHECKED`() {
    let all = findings(
      [
        app: .value("good"), inode: .value("7"),
        FieldPath("stack", "/limit"): .unreadable(reason: "no controller"),
        FieldPath("stack", "/gone"): .absent,
      ], fingerprint: fingerprint)
    #expect(
      all.map(\.description) == [
        "NOT_CHECKED web-production-v001 stack /limit: expected nothing, actual no controller"
      ])
  }

  @Test func `an added field is ADDED only below an exhaustive prefix`() {
    let readings: [FieldPath: FieldReading] = [
      app: .value("good"), inode: .value("7"), FieldPath("release", "/files/new"): .value("x"),
      FieldPath("release", "/filesystem"): .value("x"),
    ]
    // Elsewhere nothing says what it was: it cannot be compared, and is not in sync either.
    let without = findings(readings, fingerprint: fingerprint)
    #expect(without.map(\.word) == [.notChecked, .notChecked])
    let all = findings(
      readings, fingerprint: fingerprint, exhaustive: [FieldPath("release", "/files")])
    #expect(all.map(\.word) == [.added, .notChecked])
    #expect(all.map(\.path) == ["/files/new", "/filesystem"])
  }

  @Test func `an agent upgrade that reads more raises no drift`() {
    let readings: [FieldPath: FieldReading] = [
      app: .value("good"), inode: .value("7"), FieldPath("release", "/files/new"): .value("x"),
    ]
    let all = findings(
      readings, fingerprint: fingerprint, schema: 2, exhaustive: [FieldPath("release", "/files")])
    #expect(all.map(\.word) == [.notChecked])
  }

  @Test func `without a fingerprint only declared fields are compared`() {
    let readings: [FieldPath: FieldReading] = [
      app: .value("evil"), inode: .value("8"), FieldPath("release", "/files/new"): .value("x"),
    ]
    let all = findings(readings, fingerprint: nil, exhaustive: [FieldPath("release", "/files")])
    #expect(all.map(\.word) == [.modified, .notChecked, .notChecked])
    #expect(all.map(\.path) == ["/files/app", "/files/new", "/inode"])
  }

  @Test(arguments: [
    ("/files/cache/**", "/files/cache/a/b", true), ("/files/cache/**", "/files/cache", true),
    ("/files/cache/*", "/files/cache/a", true), ("/files/cache/*", "/files/cache/a/b", false),
    ("/files/*.log", "/files/a.log", true), ("/files/*.log", "/files/a.log.gz", false),
    ("/**/tmp", "/a/b/tmp", true), ("/**/tmp", "/a/b/tmpx", false), ("/a", "/a", true),
    ("/a", "/b", false), ("**", "/any/thing", true),
  ])
  func `a glob matches parts`(_ pattern: String, _ pointer: String, _ matches: Bool) {
    #expect(PointerPattern(pattern).matches(pointer) == matches)
  }

  @Test func `a hostile glob takes no time`() {
    let pattern = String(repeating: "/**/*a*a*a*a*a*a*a*a*b", count: 20)
    let pointer = String(repeating: "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", count: 100)
    let time = ContinuousClock().measure { #expect(!PointerPattern(pattern).matches(pointer)) }
    #expect(time < .seconds(2))
  }

  @Test func `ignored fields are not compared`() {
    let all = findings(
      [app: .value("evil"), inode: .value("7")], fingerprint: fingerprint, ignoring: ["/files/**"])
    #expect(all == [])
  }
}
