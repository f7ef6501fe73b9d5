import Agent
import Foundation
import Model
import Testing

@Suite struct LeaseTests {
  @Test func `the second agent is told who holds the lease`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("lease")
    let lease = try Lease.take(path: path, owner: "first")
    let error = #expect(throws: AgentError.self) { try Lease.take(path: path, owner: "second") }
    #expect(error?.description.contains("owner first pid \(getpid())") == true)
    #expect(lease.isHeld)
  }

  @Test func `the epoch rises with every holder`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("lease")
    var lease: Lease? = try Lease.take(path: path, owner: "a")
    #expect(lease?.epoch == 1)
    lease = nil
    lease = try Lease.take(path: path, owner: "a")
    #expect(lease?.epoch == 2)
  }

  @Test func `a lease whose file was replaced is lost`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("lease")
    let lease = try Lease.take(path: path, owner: "a")
    try FileManager.default.removeItem(atPath: path)
    #expect(!lease.isHeld)
    let other = try Lease.take(path: path, owner: "b")
    #expect(!lease.isHeld)
    #expect(other.isHeld)
  }
}
