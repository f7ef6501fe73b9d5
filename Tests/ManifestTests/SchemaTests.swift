import Manifest
import Model
import PlatformKit
import Testing

/// The schema that editors use says the same as the parser.
@Suite struct SchemaTests {
  private let schema = JSONSchema(root: Manifest.schema(Example.platforms))

  private func schemaAccepts(_ text: String) throws -> Bool {
    let nodes = try YAMLReader.documents(Array(text.utf8), file: "a.yaml").get()
    return try nodes.allSatisfy { try schema.accepts(JSONValue($0)) }
  }

  @Test func `the example is right for both`() throws {
    for text in [Example.application, Example.environment, Example.target] {
      #expect(try schemaAccepts(text))
    }
    #expect(Example().parse().isComplete)
  }

  @Test(arguments: goodSpecs) func `both accept`(_ spec: String) throws {
    let example = Example.with(spec)
    let state = example.parse()
    #expect(state.isComplete, "\(state.diagnostics)")
    #expect(try schemaAccepts(example.application))
  }

  @Test(arguments: badSpecs) func `both refuse`(_ spec: String) throws {
    let example = Example.with(spec)
    #expect(!example.parse().isComplete, "the parser accepts")
    #expect(try !schemaAccepts(example.application), "the schema accepts")
  }

  @Test(arguments: badEnvironments) func `both refuse an environment's`(_ spec: String) throws {
    let text = Example.environment.replacing("platform: local", with: spec)
    #expect(!Example(environment: text).parse().isComplete, "the parser accepts")
    #expect(try !schemaAccepts(text), "the schema accepts")
  }

  @Test(arguments: badTargets) func `both refuse a target's`(_ old: String, _ new: String) throws {
    let text = Example.target.replacing(old, with: new)
    #expect(text != Example.target)
    #expect(!Example(target: text).parse().isComplete, "the parser accepts")
    #expect(try !schemaAccepts(text), "the schema accepts")
  }

  /// Every key of the reference, given a value that no key accepts, is refused by both: so each is
  /// known to both. A key that only one of them knew would be seen here.
  @Test func `every key is known to the parser and to the schema`() throws {
    let reference = Manifest.reference(Example.platforms)
    #expect(reference.count > 50)
    for (path, field) in reference {
      let parts = path.split(separator: ".").map(String.init)
      guard let kind = parts.first, let fields = schema.root["$defs"]?[kind] else {
        Issue.record("no schema for \(path)")
        continue
      }
      #expect(property(Array(parts.dropFirst()), in: fields) != nil, "\(path) is not in the schema")
      #expect(!field.meaning.isEmpty)
    }
  }

  /// The schema of a key, through mappings, lists and alternatives.
  private func property(_ path: [String], in schema: CanonicalValue) -> CanonicalValue? {
    guard let first = path.first else { return schema }
    if let items = schema["items"] { return property(path, in: items) }
    for choice in schema["anyOf"]?.array ?? [] {
      if let found = property(path, in: choice) { return found }
    }
    return schema["properties"]?[first].flatMap { property(Array(path.dropFirst()), in: $0) }
  }
}

private let goodSpecs = [
  "x-anything: { a: [1, 2] }", "instances: 1000", "health: {}",
  "health: { http: { path: /healthz } }", "health: { http: { path: /, expect: 204 } }",
  "health: { http: { path: /, expect: [200, 301] }, timeout: 1m30s, x-a: ~ }",
  "health: { running: {}, healthyAfter: 1 }",
  "health: { command: [./check, --quick, '${port}'], interval: 5s }",
  "traffic: { mode: tcp, exclusive: true }",
  "traffic: { drain: { deadline: 0s, then: wait } }",
  "rollout: { strategy: recreate, bake: 1h2m3s4ms, retain: { stacks: 0, for: 1h } }",
  "drift: { action: alert, ignore: [/a/**], debounce: 250ms }", "dependsOn: []",
  "rollout: { onNewCommit: queue }", "rollout: { strategy: canary }",
  "rollout: { irreversible: true }", "rollout: { irreversible: false, strategy: rolling }",
  "rollout: { strategy: canary, steps: [{ weight: 10, bake: 2m }, { weight: 50, approval: {} }] }",
]

private let badSpecs = [
  "unknown: 1", "instances: 0", "instances: 1001", "instances: two", "instances: '2'",
  "instances: 2.5", "instances: true", "instances: [2]", "instances: ~", "health: []",
  "health: ~", "health: { http: {} }", "health: { http: { path: / , expect: 99 } }",
  "health: { http: { path: /, expect: '200' } }", "health: { http: { path: /, expect: [999] } }",
  "health: { command: ./check }", "health: { command: [{}] }", "health: { command: ~ }",
  "health: { tcp: ~ }", "health: { tcp: { port: 1 } }", "health: { interval: 5 }",
  "health: { interval: 1 s }", "health: { interval: '' }", "health: { interval: s }",
  "health: { healthyAfter: 0 }", "traffic: http", "traffic: { mode: udp }",
  "traffic: { exclusive: 'true' }", "traffic: { exclusive: 1 }", "traffic: { drain: 30s }",
  "rollout: { strategy: bluegreen }", "rollout: { strategy: canary, steps: [{ weight: 0 }] }",
  "rollout: { strategy: canary, steps: [{ weight: 101 }] }",
  "rollout: { strategy: canary, steps: [10] }", "rollout: { onNewCommit: newest }",
  "rollout: { irreversible: 'true' }", "rollout: { irreversible: 1 }",
  "rollout: { retain: 1 }", "rollout: { retain: { stacks: -1 } }", "rollout: { bake: 1s1m }",
  "drift: { action: ignore }", "drift: { ignore: /a }", "drift: { ignore: [{}] }",
  "dependsOn: web", "dependsOn: [Web]", "dependsOn: [true]", "dependsOn: [~]", "dependsOn: [1]",
]

private let badEnvironments = [
  "platform: ~", "platform: Local", "platform: true", "platform: [local]", "x-platform: local",
  "platform: local, freeze: {}", "platform: local, freeze: [{ days: [monday] }]",
  "platform: local, freeze: [{ days: sat }]", "platform: local, freeze: [{ hour: 1 }]",
  "platform: local, targets: [web]", "platform: local, targets: { web: ~ }",
  "platform: local, targets: { web: [1] }", "platform: local, router: haproxy",
]

private let badTargets = [
  ("application: web", "application: true"), ("  application: web\n", ""),
  ("environment: production", "environment: ~"), ("version: 2.1.0", "version: ~"),
  ("version: 2.1.0", "version: [1]"), ("version: 2.1.0", "verison: 2.1.0"),
  ("version: 2.1.0", "version: 2.1.0\n  instances: 0"), ("{ listen: \"127.0.0.1:8080\" }", "{}"),
  ("{ listen: \"127.0.0.1:8080\" }", "\"127.0.0.1:8080\""), ("listen:", "listens:"),
  ("{ name: web }", "{ name: null }"), ("{ name: web }", "{ name: web, labels: [a] }"),
  ("{ name: web }", "{}"), ("kind: Target", "kind: Targets"),
]
