package import Model
package import Transport

/// Calls the preview over the network.
package struct PreviewTest: TestCaller {
  private let http: HTTPClient

  package init(http: HTTPClient) { self.http = http }

  package func call(
    _ test: TestDeclaration, at address: String, limit: Duration
  ) async -> TestResult {
    switch test.call {
    case .http(let path, let expect, let contains):
      await get(path, expect, contains, at: address, limit: limit)
    case .command: TestResult(.unanswered, "a command is run in its release, not at an address")
    }
  }

  private func get(
    _ path: String, _ expect: [Int], _ contains: String?, at address: String, limit: Duration
  ) async -> TestResult {
    do throws(TransportError) {
      let response = try await http.send(HTTPRequest(probing: address + path, within: limit))
      let answer = "GET \(path) answered \(response.status)"
      guard expect.contains(response.status) else {
        return TestResult(.failed, answer)
      }
      guard let contains, !response.body.contains(Array(contains.utf8)) else {
        return TestResult(.passed, answer)
      }
      return TestResult(.failed, "\(answer) without \"\(contains)\"")
    } catch .timedOut {
      // The router answers at once; what keeps silent is the version.
      return TestResult(.failed, "GET \(path) did not answer within \(limit.text)")
    } catch {
      return TestResult(.unanswered, "GET \(path) at the preview: \(error)")
    }
  }
}
