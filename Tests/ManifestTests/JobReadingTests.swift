import Manifest
import Model
import Testing

/// `jobs`.
@Suite struct JobReadingTests {
  private func read(_ jobs: String) -> (DesiredTarget?, [String]) {
    let state = Example.with("jobs: \(jobs)").parse()
    return (state.targets.first, state.diagnostics.map(\.message))
  }

  @Test func `jobs are read in their order, with the version in their commands`() {
    let (target, messages) = read(
      "{ after: [{ name: warm, command: [./warm] }], before: [{ name: migrate, command: [./m,"
        + " '${version}', '${environment}'], deadline: 1h, irreversible: true }] }")
    #expect(messages == [])
    #expect(
      target?.spec.jobs == [
        JobDeclaration(
          name: "migrate", time: .before, command: ["./m", "2.1.0", "production"],
          deadline: .seconds(3600), isIrreversible: true),
        JobDeclaration(name: "warm", time: .after, command: ["./warm"]),
      ])
  }

  /// How long it may take, and what its failure means, is policy.
  @Test func `a command is part of the digest, and a deadline is not`() throws {
    func digest(_ job: String) -> Digest? {
      read("{ before: [{ name: migrate, \(job) }] }").0?.declaredDigest
    }
    #expect(digest("command: [./a]") != digest("command: [./b]"))
    #expect(digest("command: [./a]") != Example().parse().targets.first?.declaredDigest)
    #expect(
      digest("command: [./a]") == digest("command: [./a], deadline: 1h, irreversible: true"))
  }

  @Test func `no jobs are no part of a stack`() {
    #expect(read("{}").0?.declaredDigest == Example().parse().targets.first?.declaredDigest)
  }

  @Test(arguments: [
    (
      "{ before: [{ name: a.b, command: [./a] }] }",
      "\"name\" must be a name (a letter, then letters, digits and -, at most 40)"
    ),
    ("{ before: [{ name: a, command: [] }] }", "\"command\" must name a program"),
    (
      "{ before: [{ name: a, command: [./a, '${port}'] }] }",
      "a job knows ${version}, ${application} and ${environment} alone"
    ),
    (
      "{ before: [{ name: a, command: [./a] }], after: [{ name: a, command: [./b] }] }",
      "two jobs are called a"
    ),
    (
      "{ after: [{ name: a, command: [./a], deadline: 1ms }] }",
      "\"deadline\" must be from 1s to 24h"
    ),
  ])
  func `what makes no sense is told`(_ jobs: String, _ message: String) {
    #expect(read(jobs).1 == [message])
  }
}
