import Agent
import Model
import Planning
import Testing

@Suite struct ProbeBookTests {
  private let key = ProbeBook.Key(stack: StackID(TargetID("web", "production"), 1), launch: "aa")
  private let gate = HealthGate(check: .tcp, interval: .seconds(1), healthyAfter: 2)

  private func at(_ seconds: Int) -> Now {
    Now(bootID: "boot", sinceBoot: .seconds(seconds), wall: WallTime(milliseconds: 0))
  }

  private func endpoint(_ instance: Int, _ port: Int = 1) -> Endpoint {
    Endpoint(instance: instance, host: "127.0.0.1", port: port)
  }

  private func record(
    _ book: inout ProbeBook, _ instance: Int, _ failure: String?, at second: Int, port: Int = 1
  ) {
    book.record(
      key, gate: gate, instance: instance, endpoint: endpoint(instance, port), failure: failure,
      at: at(second))
  }

  @Test func `an instance is proven after enough passes in a row`() {
    var book = ProbeBook()
    record(&book, 0, nil, at: 1)
    #expect(book.report(key, at: at(1))?.proven == 0)
    record(&book, 0, nil, at: 2)
    #expect(book.report(key, at: at(2))?.proven == 1)
    record(&book, 0, "answered 500", at: 3)
    let report = book.report(key, at: at(3))
    #expect(report?.proven == 0)
    #expect(report?.healthy == 0)
    #expect(report?.lastFailure == "instance 0: answered 500")
  }

  /// An agent that stood still, or a host that slept: what was there in between nobody knows.
  @Test func `passes are in a row only while somebody looks`() {
    var book = ProbeBook()
    record(&book, 0, nil, at: 1)
    record(&book, 0, nil, at: 9)
    #expect(book.report(key, at: at(9))?.healthy == 1)
    #expect(book.report(key, at: at(9))?.proven == 0)
    record(&book, 0, nil, at: 10)
    #expect(book.report(key, at: at(10))?.proven == 1)
    record(&book, 0, nil, at: 20)
    #expect(book.report(key, at: at(20))?.proven == 0)
  }

  @Test func `passes of a process that ended are not in a row with those of the next`() {
    var book = ProbeBook()
    for second in 1...3 { record(&book, 0, nil, at: second) }
    let (_, revision) = book.changes(since: 0, at: at(3))
    book.beginStreaks(of: key)
    #expect(book.report(key, at: at(3))?.healthy == 1)
    #expect(book.report(key, at: at(3))?.proven == 0)
    #expect(book.changes(since: revision, at: at(3)).stacks == [key.stack])
    record(&book, 0, nil, at: 4)
    #expect(book.report(key, at: at(4))?.proven == 0)
    record(&book, 0, nil, at: 5)
    #expect(book.report(key, at: at(5))?.proven == 1)
  }

  /// Without a health endpoint a stack is judged at each pass, however seldom that is.
  @Test func `what only has to run is judged from pass to pass`() {
    var book = ProbeBook()
    for second in [1, 9] {
      book.record(key, gate: gate, instance: 0, endpoint: nil, failure: nil, at: at(second))
    }
    #expect(book.report(key, at: at(9))?.proven == 1)
  }

  @Test func `how long all are proven is told from the last one to be, and begins anew`() {
    var book = ProbeBook()
    for second in 1...6 {
      record(&book, 0, nil, at: second)
      if second > 2 { record(&book, 1, nil, at: second) }
    }
    #expect(book.report(key, at: at(6))?.proven == 2)
    #expect(book.report(key, at: at(6))?.provenFor == .seconds(2))
    record(&book, 0, "answered 500", at: 7)
    record(&book, 0, nil, at: 8)
    record(&book, 0, nil, at: 9)
    record(&book, 1, nil, at: 9)
    #expect(book.report(key, at: at(9))?.proven == 2)
    #expect(book.report(key, at: at(9))?.provenFor == .zero)
  }

  @Test func `an old pass is no proof`() {
    var book = ProbeBook()
    record(&book, 0, nil, at: 1)
    record(&book, 0, nil, at: 2)
    #expect(book.report(key, at: at(6))?.proven == 1)
    #expect(book.report(key, at: at(7))?.proven == 0)
    #expect(book.report(key, at: at(7))?.healthy == 0)
  }

  @Test func `an instance that moved begins anew`() {
    var book = ProbeBook()
    record(&book, 0, nil, at: 1)
    record(&book, 0, nil, at: 2)
    record(&book, 0, nil, at: 3, port: 2)
    #expect(book.report(key, at: at(3))?.proven == 0)
    #expect(book.report(key, at: at(3))?.healthy == 1)
  }

  @Test func `a lost instance no longer counts`() {
    var book = ProbeBook()
    for second in 1...2 {
      record(&book, 0, nil, at: second)
      record(&book, 1, nil, at: second)
    }
    #expect(book.report(key, at: at(2))?.proven == 2)
    book.keep(instances: [1], of: key)
    #expect(book.report(key, at: at(2))?.proven == 1)
  }

  @Test func `a stack that was never probed has no report`() {
    #expect(ProbeBook().report(key, at: at(1)) == nil)
  }

  @Test func `a reboot makes every pass worthless`() {
    var book = ProbeBook()
    record(&book, 0, nil, at: 1)
    record(&book, 0, nil, at: 2)
    book.keep([])
    #expect(book.report(key, at: at(2)) == nil)
  }
}
