import Foundation
import HAProxyRouter
import Model
import Testing

@Suite struct ConfigurationTests {
  @Test func `a target's file holds its intent and everything a restart needs`() async throws {
    try await Bench.with(slots: 1) { bench in
      let one = try Instance("one")
      try await bench.apply(bench.route([backend(1, 100, [one])], fallback: 1))
      let directory = bench.settings.directory
      let text = try String(
        contentsOfFile: "\(directory)/conf.d/10-web.production.cfg", encoding: .utf8)
      let lines = text.split(separator: "\n", maxSplits: 1)
      #expect(lines[0].hasPrefix("# viridian route {\"afterDrain\":\"close\","))
      #expect(
        lines[1] == """
          frontend fe_web.production
            mode http
            bind 127.0.0.1:\(bench.port)
            option forwardfor
            http-request disable-l7-retry if !{ method GET HEAD OPTIONS }
            http-request set-var(txn.be) rand(100),map(\(directory)/maps/web.production.map)
            http-request set-var(txn.fb) str(fallback),map(\(directory)/maps/web.production.map)
            use_backend %[var(txn.be)] if { var(txn.be),nbsrv gt 0 }
            use_backend %[var(txn.fb)] if { var(txn.fb),nbsrv gt 0 }
            use_backend %[var(txn.be)] if { stopping }
          backend be_web.production_h0
            mode http
            balance leastconn
            retry-on conn-failure empty-response
            option httpchk
            http-check send meth GET uri-lf "%[str(path-h0),map(\(directory)/maps/web.production.map,/)]" ver HTTP/1.1 hdr Host localhost hdr Connection close
            http-check expect status 200-399
            server web-production-v001-launch1-i0.\(one.port) 127.0.0.1:\(one.port) check inter 300ms fastinter 100ms downinter 50ms fall 2 rise 1 observe layer4 error-limit 1 on-error mark-down weight 1
          backend be_web.production_t0
            mode http
            balance leastconn
            retry-on conn-failure empty-response

          """)
      let map = try String(
        contentsOfFile: "\(directory)/maps/web.production.map", encoding: .utf8)
      #expect(
        map.split(separator: "\n").filter { $0.hasSuffix(" be_web.production_h0") }.count == 101)
      #expect(map.contains("stack-h0 v001/launch1\n") && map.contains("path-h0 /healthz\n"))
      let global = try String(contentsOfFile: "\(directory)/conf.d/00-global.cfg", encoding: .utf8)
      #expect(global.contains("hard-stop-after 3600s\n"))
      var mode = stat()
      #expect(stat(directory, &mode) == 0)
      #expect(mode.st_mode & 0o777 == 0o700)
    }
  }

  @Test func `what passes by the split is looked up in the same map, and only where it is used`()
    async throws
  {
    try await Bench.with(slots: 1) { bench in
      let one = try bench.instance("one")
      var route = bench.route([backend(1, 100, [one])], fallback: 1)
      route.declaration = bench.both
      route.preview = 1
      route.chosen = ChosenRequests(
        generation: 1,
        rules: [RequestRule(.header, "X-User", is: "A b"), RequestRule(.cookie, "group", is: "qa")])
      route.sticky = StickyTraffic(cookie: "stay", generation: 1, maxAge: .seconds(60))
      try await bench.apply(route)
      let file = "\(bench.settings.directory)/maps/web.production.map"
      let lines = try bench.configuration().split(separator: "\nbackend ", maxSplits: 1)[0]
        .split(separator: "\n").dropFirst().map { $0.replacing(file, with: "MAP") }
      let bind = try #require(lines.first { $0.contains(" name reads-") })
      #expect(
        lines.joined(separator: "\n") == """
          frontend fe_web.production
            mode http
          \(bind)
            option forwardfor
            http-request disable-l7-retry if !{ method GET HEAD OPTIONS }
            stick-table type string len 96 size 100 store http_req_cnt,gpc0
            http-after-response set-var(txn.failed) sc_inc_gpc0(0) if { status 500:599 }
            http-request set-var(txn.be) rand(100),map(MAP)
            http-request set-var(txn.fb) str(fallback),map(MAP)
            http-request set-var(txn.hit) req.cook(stay),url_enc,concat(@sticky-stay),map(MAP)
            http-request set-var(txn.hit) req.cook(group),url_enc,concat(@cookie-group),map(MAP)
            http-request set-var(txn.hit) req.fhdr(x-user),url_enc,concat(@header-x-user),map(MAP)
            http-request set-var(txn.pick) var(txn.hit),map(MAP)
            http-response set-var(txn.cookie) be_name,concat(@set-cookie),map(MAP)
            http-response add-header Set-Cookie %[var(txn.cookie)] if { var(txn.cookie) -m found } !{ var(txn.hit) -m str sticky }
            use_backend %[var(txn.pick)] if { var(txn.pick),nbsrv gt 0 }
            use_backend %[var(txn.be)] if { var(txn.be),nbsrv gt 0 }
            use_backend %[var(txn.fb)] if { var(txn.fb),nbsrv gt 0 }
            use_backend %[var(txn.pick)] if { stopping } { var(txn.pick) -m found }
            use_backend %[var(txn.be)] if { stopping }
          frontend pv_web.production
            mode http
            bind 127.0.0.1:\(bench.previewPort)
            option forwardfor
            http-request disable-l7-retry if !{ method GET HEAD OPTIONS }
            use_backend %[str(preview),map(MAP)] if { str(preview),map(MAP),nbsrv gt 0 }
            use_backend %[str(preview),map(MAP)] if { stopping }
          """)
      let map = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
      #expect(
        map.filter { Int($0.prefix { $0 != " " }) == nil } == [
          "A%20b@header-x-user chosen",
          "be_web.production_h0@set-cookie stay=v001.launch1; Path=/; Max-Age=60; HttpOnly;"
            + " SameSite=Lax",
          "chosen be_web.production_h0", "fallback be_web.production_h0", "path-h0 /healthz",
          "preview be_web.production_h0", "qa@cookie-group chosen", "stack-h0 v001/launch1",
          "sticky be_web.production_h0", "v001.launch1@sticky-stay sticky",
        ])
    }
  }

  @Test func `what nobody wants any more makes room for what comes with it`() async throws {
    try await Bench.with(slots: 2) { bench in
      let (one, two, three) = (try Instance("one"), try Instance("two"), try Instance("three"))
      try await bench.apply(bench.route([backend(1, 100, [one])], fallback: 1))
      try await bench.apply(
        bench.route([backend(1, 0, [one]), backend(2, 100, [two])], fallback: 2))
      let wanted = bench.route([backend(2, 100, [two]), backend(3, 0, [three])], fallback: 2)
      try await bench.settle(wanted)
      #expect(try await bench.observe().route.backends.map(\.generation) == [2, 3])
    }
  }

  @Test func `no old worker ends a connection before the longest drain is over`() async throws {
    try await Bench.with { bench in
      try await bench.apply(bench.route([]))
      let workers = try bench.workers()
      var route = bench.route([])
      route.drainDeadline = .seconds(7200)
      try await bench.apply(route)
      #expect(try bench.workers() != workers)
      let global = try String(
        contentsOfFile: bench.settings.directory + "/conf.d/00-global.cfg", encoding: .utf8)
      #expect(global.contains("hard-stop-after 7201s\n"))
      #expect(try await bench.observe().route == route)
      #expect(try await bench.observe().findings == [])
    }
  }

  @Test func `a directory that HAProxy would not take literally is refused`() {
    for directory in ["relative", "/tmp/a b", "/tmp/\"x", "/tmp/$HOME", "/tmp/a\nb"] {
      #expect(throws: (any Error).self) { try HAProxyRouter(HAProxySettings(directory: directory)) }
    }
  }
}
