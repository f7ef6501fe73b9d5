import KeeperKit
import Testing

/// What becomes of limits on hosts that have other control groups, or none.
@Suite struct CgroupTests {
  private let limits = InstanceLimits(memoryBytes: 1 << 27, cpuMillis: 500, pids: 64)

  @Test func `without any cgroup nothing is made, expected or read`() throws {
    let group = StackCgroup(path: "viridian/test/none", host: CgroupHost())
    #expect(try group.make(StackCgroup.leaf(0), limits: limits) == [])
    #expect(group.expectedLimits(limits, instance: 0) == [:])
    #expect(try group.readLimits(limits, instance: 0) == [:])
    #expect(!group.hasMembership)
    #expect(try group.processes() == [])
    try group.kill()
    try group.remove()
  }

  @Test(arguments: [
    (CgroupHost(unified: "/v2", v2Controllers: ["cpu", "memory", "pids"]), 3),
    (CgroupHost(unified: "/v2", v1: ["cpu": "/cpu", "memory": "/memory", "pids": "/pids"]), 3),
    (CgroupHost(v1: ["memory": "/memory"]), 1),
    (CgroupHost(unified: "/v2", v2Controllers: ["pids"]), 1),
  ])
  func `a limit reads the same in every hierarchy, and only where there is one`(
    host: CgroupHost, count: Int
  ) {
    let group = StackCgroup(path: "viridian/test/x", host: host)
    let all = ["memoryBytes": "134217728", "cpuMillis": "50000 100000", "pids": "64"]
    let expected = group.expectedLimits(limits, instance: 0)
    #expect(expected.count == count)
    for (name, value) in expected { #expect(all[name] == value) }
    #expect(Set(limits.names) == Set(all.keys))
  }
}
