private let laughs =
  "a0: &a0 [x]\n" + (1...9).map { "a\($0): &a\($0) [\(repeated("*a\($0 - 1)", 9))]\n" }.joined()

private func repeated(_ text: String, _ count: Int) -> String {
  Array(repeating: text, count: count).joined(separator: ", ")
}

/// Structures that YAML allows or that break parsers, as the text of one file.
/// A test is called with the name alone, so that no log repeats a megabyte.
let hostileStructures: [String: String] = Dictionary(uniqueKeysWithValues: [
  ("billion laughs", laughs),
  (
    "billion laughs in a key",
    "a0: &a0 [x]\n"
      + (1...9).map { "a\($0): &a\($0) { [\(repeated("*a\($0 - 1)", 9))]: 1 }\n" }.joined()
  ),
  ("an anchor alone", "a: &a b\n"),
  ("an alias to nothing", "a: *b\n"),
  ("a merge key", "a: { <<: { b: c } }\n"),
  ("10,000 lists in lists", String(repeating: "[", count: 10_000)),
  ("lists in lists behind closed quotes", String(repeating: "[ \"]\", ", count: 10_000)),
  ("lists in lists by lines", String(repeating: "- ", count: 20_000) + "a\n"),
  ("questions in questions", String(repeating: "? ", count: 20_000) + "a\n"),
  ("mappings in mappings", (0..<700).map { String(repeating: " ", count: $0) + "a:\n" }.joined()),
  ("deeper than 32", String(repeating: "[", count: 40) + String(repeating: "]", count: 40)),
  ("a file of more than 1 MiB", "a: " + String(repeating: "b", count: 1 << 20)),
  ("many keys", (0..<200_000).map { "\($0):\n" }.joined()),
  ("many documents", String(repeating: "---\na: b\n", count: 1001)),
  ("a tag of Python", "a: !!python/object:os.system b\n"),
  ("an include", "a: !include /etc/passwd\n"),
  ("a tag of a mapping", "a: !foo { b: c }\n"),
  ("a number by tag", "a: !!int '5'\n"),
  ("a duplicate key", "a: b\na: c\n"),
  ("a duplicate key in quotes", "a: b\n\"a\": c\n"),
  ("a key that is a list", "? [a]\n: b\n"),
  ("a key that is a mapping", "{ a: b }: c\n"),
  ("a broken quote", "a: \"b\n"),
  ("a tabulator", "a:\n\t- b\n"),
  ("a turned direction", "a: \"b\u{202E}c\"\n"),
  ("a mark of direction", "a: b\u{200F}\n"),
  ("a line separator", "a: b\u{2028}c: d\n"),
  ("a next line", "a: b\u{85}c: d\n"),
  ("a carriage return alone", "a: b\rc: d\n"),
  ("a NUL", "a: b\u{0}\n"),
  ("an escape sequence", "a: \u{1B}[31m\n"),
  ("an API version of the future", "apiVersion: viridian.dev/v2\nkind: Target\n"),
  ("an unknown kind", "apiVersion: viridian.dev/v1alpha1\nkind: Targets\n"),
  ("no metadata", "apiVersion: viridian.dev/v1alpha1\nkind: Environment\n"),
  ("JSON with a depth", "{\"a\":" + String(repeating: "{\"a\":", count: 5000)),
])

let hostileBytes: [String: [UInt8]] = Dictionary(uniqueKeysWithValues: [
  ("invalid UTF-8", Array("a: ".utf8) + [0xC3, 0x28]),
  ("an overlong slash", Array("a: ".utf8) + [0xC0, 0xAF]),
  ("a surrogate", Array("a: ".utf8) + [0xED, 0xA0, 0x80]),
  ("a byte order mark", [0xEF, 0xBB, 0xBF] + Array(("viridian.dev/" + Example.target).utf8)),
])

let hostileNames = [
  "a;rm -rf", "$(id)", "-rf", "../x", String(repeating: "a", count: 300), "Web", "web_1", "wéb",
  "wеb", "", " web", "web ", "we\u{200B}b", "{{a}}", "web-", "1web", "~", "null",
]

let hostileVersions = [
  "../../etc/passwd", "1..2", "-rf", "a b", "$(id)", "${version}", "1/2", "", ".", "..",
  "1.0\u{E9}",
  String(repeating: "1", count: 200), "`id`", "1;2",
]

let hostileSpecs = [
  "instances: -1", "instances: 0", "instances: 1000000000", "instances: 1001", "instances: 2.5",
  "instances: '2'", "instances: 007", "instances: 0x10", "instances: .nan", "instances: ~",
  "instances: 99999999999999999999",
  "health: { interval: 0s }", "health: { interval: 1000000000s }", "health: { interval: 5 }",
  "health: { timeout: 0s }", "health: { deadline: 25h }", "health: { healthyAfter: 0 }",
  "health: { interval: 1h, healthyAfter: 3, deadline: 2m }",
  "health: { http: { path: 'healthz' } }", "health: { http: { path: '/a b' } }",
  "health: { http: { path: \"/a\\r\\nHost: b\" } }", "health: { http: { path: /, expect: 99 } }",
  "health: { http: { path: /, expect: [] } }", "health: { http: {} }",
  "health: { http: { path: / }, tcp: {} }", "health: { tcp: yes }",
  "traffic: { drain: { deadline: -1s } }", "traffic: { mode: udp }", "traffic: { exclusive: yes }",
  "traffic: { mode: none }", "rollout: { strategy: canary }", "rollout: { steps: [] }",
  "rollout: { bake: NaN }", "rollout: { bake: 1s1h }", "rollout: { onNewCommit: queue }",
  "rollout: { retain: { stacks: 101 } }", "drift: { ignore: ['files/**'] }",
  "drift: { action: ignore }", "dependsOn: web", "dependsOn: [mailer]", "dependsOn: [web]",
  "unknown: 1", "instances: 3\ninstances: 3",
]

let hostileProcesses = [
  "command: []", "command: ['']", "command: ./web", "command: [[./web]]", "command: [./web, ~]",
  "command: [\"./web\\n\"]", "command: [\"./web\\u0000\"]", "command: [./web, \"a\\eb\"]",
  "command: [./web, \"${secret:file:key}\"]", "command: [./web, \"${home}\"]",
  "command: [./web, \"${port\"]", "command: [./web]\nuser: 'a;b'", "command: [./web]\nuser: ~",
  "command: [./web]\nenvironment: { LD_PRELOAD: a }", "command: [./web]\nenvironment: { PATH: a }",
  "command: [./web]\nenvironment: { LD_LIBRARY_PATH: a }",
  "command: [./web]\nenvironment: { BASH_ENV: a }",
  "command: [./web]\nenvironment: { VIRIDIAN_STACK: a }",
  "command: [./web]\nenvironment: { 'A=B': a }", "command: [./web]\nenvironment: { 1A: a }",
  "command: [./web]\nenvironment: { '': a }", "command: [./web]\nenvironment: { A: \"b\\nc\" }",
  "command: [./web]\nenvironment: { A: ~ }", "command: [./web]\nenvironment: { A: [b] }",
  "command: [./web]\nenvironment: { A: \"${secret:file:../key}\" }",
  "command: [./web]\nenvironment: { A: \"${secret:file:}\" }",
  "command: [./web]\nenvironment: { A: \"${secret:vault:a}\" }",
  "command: [./web]\nworkingDirectory: ../x", "command: [./web]\nworkingDirectory: /etc",
  "command: [./web]\nlimits: { memory: 1e9 }", "command: [./web]\nlimits: { memory: -1Mi }",
  "command: [./web]\nlimits: { memory: 0Mi }", "command: [./web]\nlimits: { cpu: 0 }",
  "command: [./web]\nlimits: { cpu: -500m }", "command: [./web]\nlimits: { pids: 0 }",
  "command: [./web]\nsha256: { 2.1.0: abc }", "command: [./web]\nstopSignal: KILL",
]

let hostileListens = [
  "127.0.0.1:0", "127.0.0.1:70000", "127.0.0.1", "127.0.0.1:", ":80", "host:80", "127.0.0.1:8 0",
  "127.0.0.1:80\\n  server x 1.2.3.4", "127.0.0.1:80; shutdown", "127.0.0.1:80 ssl crt /etc/x",
  "unix@/tmp/x:80", "fd@3:80", "[::1]", "::1:80", "[::1%lo]:80", "0x7f.1:80", "1:80", "127.1:80",
  "127.0.0.01:80", "127.0.0.1:+80", "127.0.0.1:080", "*:80 ", "${port}:80", "**:80", "[]:80",
  "127.0.0.1:80,127.0.0.1:81", "127.0.0.1:80-90",
]
