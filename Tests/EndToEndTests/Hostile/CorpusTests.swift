import Foundation
import Testing

/// The corpus is complete and says what it means; that the cases hold is shown by `HostileTests`.
@Suite struct CorpusTests {
  private let corpus: Corpus

  init() throws { corpus = try Corpus.read() }

  @Test func `every row of the table has a case, is shown elsewhere, or says what it waits for`() {
    #expect(corpus.rows.count == 52)
    let cases = Set(corpus.cases.flatMap(\.rows))
    let others = Set(corpus.later.map(\.row) + corpus.covered.map(\.row))
    for row in corpus.rows {
      #expect(cases.contains(row.word) || others.contains(row.word), "\(row.word): \(row.title)")
    }
    let known = Set(corpus.rows.map(\.word))
    for word in cases.union(others) { #expect(known.contains(word), "there is no row \(word)") }
  }

  @Test func `every case is of a row, and has a title of its own`() {
    #expect(corpus.cases.count > 100)
    #expect(Set(corpus.cases.map(\.title)).count == corpus.cases.count)
    for item in corpus.cases {
      #expect(!item.rows.isEmpty && !item.steps.isEmpty, "\(item)")
    }
  }

  @Test func `what is shown elsewhere is shown by a test of that name`() throws {
    let tests = Programs.root.appending(path: "Tests")
    let files = try FileManager.default.subpathsOfDirectory(atPath: tests.path)
      .filter { $0.hasSuffix("Tests.swift") }
    let texts = try files.map { try String(contentsOf: tests.appending(path: $0), encoding: .utf8) }
    for (row, test) in corpus.covered {
      #expect(texts.contains { $0.contains("@Test func `\(test)`") }, "\(row): \(test)")
    }
  }
}
