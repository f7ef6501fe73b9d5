package import Model
package import PlatformKit

/// The keys of the three kinds of documents.
package enum ManifestFields {
  package static let apiVersion = "viridian.dev/v1alpha1"

  /// `workload`: the decoders' kinds with their JSON Schemas; `route` the router's.
  package static func application(workloads: [String: CanonicalValue]) -> [Field] {
    let kinds = workloads.sorted { $0.key < $1.key }.map { kind, schema in
      Field(kind, .payload(schema), "What one instance is, for platforms that run a \(kind).")
    }
    return document(
      "Application",
      [
        Field(
          "workload", .mapping(kinds),
          "What runs; the environment's platform picks the one it knows.",
          required: true),
        Field("instances", .integer(1...1000), "Instances of each stack.", standard: "1"),
        Field("traffic", .mapping(traffic), "How traffic reaches the instances, and leaves them."),
        Field("health", .mapping(health), "When an instance counts as healthy."),
        Field(
          "jobs",
          .mapping([
            Field("before", .list(.mapping(job)), "Before any instance of the new stack starts."),
            Field(
              "after", .list(.mapping(job)),
              "Once its instances have passed their gate, before it has traffic."),
          ]), "What runs at most once for a version, in the release of its stack."),
        Field("rollout", .mapping(rollout), "How a new stack takes over."),
        Field("drift", .mapping(drift), "What happens when somebody changes a live stack."),
        Field(
          "dependsOn", .list(.name),
          "Applications of the same environment that must be stable first."),
      ], metadata: renamedMetadata)
  }

  package static let environment = document(
    "Environment",
    [
      Field(
        "platform", .name, "A platform that the agent's configuration names.", required: true),
      Field("freeze", .list(.mapping(freeze)), "When nothing new starts."),
      Field(
        "wave",
        .mapping([
          Field("targets", .integer(1...10_000), "So many."),
          Field("percent", .integer(1...100), "So many of those that this source declares there."),
        ]), "How many targets may roll out at the same time: one of both."),
      Field("targets", .map(.text), "Short form of targets: application to version."),
    ])

  package static func target(route: CanonicalValue) -> [Field] {
    document(
      "Target",
      [
        Field("application", .name, "Which application.", required: true),
        Field("environment", .name, "Where it runs.", required: true),
        Field("version", .text, "The version, as text: 1.10 is not 1.1.", required: true),
        Field("instances", .integer(1...1000), "Instead of the application's `instances`."),
        Field(
          "group", .name,
          "Targets of the environment with the same one are promoted together, or taken back together."
        ),
        Field("route", .payload(route), "Where the traffic comes in."),
        Field("health", .mapping(health), "Instead of the application's `health`, as a whole."),
        Field("rollout", .mapping(rollout), "Instead of the application's `rollout`, as a whole."),
        Field("drift", .mapping(drift), "Instead of the application's `drift`, as a whole."),
      ], metadata: renamedMetadata)
  }

  private static func document(
    _ kind: String, _ spec: [Field], metadata: [Field] = metadata
  ) -> [Field] {
    [
      Field("apiVersion", .choice([apiVersion]), "Always \(apiVersion).", required: true),
      Field("kind", .choice([kind]), "Always \(kind).", required: true),
      Field("metadata", .mapping(metadata), "Name and labels.", required: true),
      Field("spec", .mapping(spec), "The declaration itself.", required: true),
    ]
  }

  private static let metadata = [
    Field("name", .name, "The name, unique for its kind.", required: true),
    Field("labels", .map(.text), "For people and queries; not part of the digest."),
    Field("annotations", .map(.text), "Ignored; for other tools."),
  ]

  /// On an Environment the key would have no effect, so it is unknown there.
  private static let renamedMetadata =
    metadata + [
      Field(
        "previously", .name,
        "The application's earlier name: stacks and routes of its targets go on under the new one.")
    ]

  private static let traffic = [
    Field(
      "mode", .choice(TrafficPolicy.Mode.allCases.map(\.rawValue)), "none: a worker.",
      standard: "http"),
    Field(
      "drain",
      .mapping([
        Field("deadline", .duration, "How long sessions may go on.", standard: "30s"),
        Field(
          "then", .choice(TrafficPolicy.AfterDrain.allCases.map(\.rawValue)),
          "What becomes of sessions that are left.", standard: "close"),
      ]), "How sessions leave a stack."),
    Field(
      "exclusive", .bool, "At most one stack may ever run: forces recreate.", standard: "false"),
  ]

  private static let health = [
    Field(
      "http",
      .mapping([
        Field("path", .text, "The path of a GET, at the instance itself.", required: true),
        Field(
          "expect", .either(.integer(100...599), .list(.integer(100...599))),
          "Status codes that are healthy.", standard: "200"),
      ]), "A GET must answer."),
    Field("tcp", .mapping([]), "A connection must open; the default with traffic."),
    Field(
      "command", .list(.text),
      "Program and arguments, run beside each instance in its environment: status 0 is healthy."),
    Field("running", .mapping([]), "It must run without restarts; the default of workers."),
    Field("interval", .duration, "Time between two probes.", standard: "1s"),
    Field("timeout", .duration, "How long one probe may take.", standard: "2s"),
    Field("healthyAfter", .integer(1...1000), "Passes in a row.", standard: "3"),
    Field("deadline", .duration, "Time from launch until the gate has failed.", standard: "2m"),
  ]

  private static let rollout = [
    Field(
      "strategy", .choice(RolloutPolicy.Strategy.allCases.map(\.rawValue)), "How.",
      standard: "blueGreen"),
    Field("bake", .duration, "Healthy time with all traffic until promotion.", standard: "1m"),
    Field(
      "steps", .list(.mapping(step)),
      "Of a canary, upwards; without a last one of 100 % that is added. Without any: 10, 25, 50."),
    Field(
      "match",
      .list(
        .mapping([
          Field("header", .text, "The name of a header that a request must have, or …"),
          Field("cookie", .text, "… of a cookie."),
          Field("value", .text, "Exactly this.", required: true),
        ])), "Of a canary: requests that go to the new stack whatever its share is; one is enough."),
    Field(
      "sticky",
      .mapping([
        Field("cookie", .text, "Its name.", standard: "viridian-stack"),
        Field("for", .duration, "How long it is kept.", standard: "1h"),
      ]), "Of a canary: who was answered by the new stack stays with it, by a cookie."),
    Field(
      "maxSurge", .text,
      "Of rolling: so many instances, or percent of them (up), may run beyond what is declared.",
      standard: "1"),
    Field(
      "maxUnavailable", .text,
      "Of rolling: so many instances, or percent of them (down), may be missing.",
      standard: "0"),
    Field(
      "analysis", .mapping(analysis),
      "Each step of a canary is judged by its traffic, compared with stable; `{}`: as usual."),
    Field(
      "tests", .list(.mapping(test)),
      "What a new version must pass before it has traffic, and after each step."
    ),
    Field(
      "irreversible", .bool,
      "Once it has had traffic, a failure holds the rollout where it is and takes nothing back.",
      standard: "false"),
    Field(
      "onNewCommit", .choice(RolloutPolicy.OnNewCommit.allCases.map(\.rawValue)),
      "What a newer commit does to a rollout in progress.", standard: "supersede"),
    Field(
      "retain",
      .mapping([
        Field("stacks", .integer(0...3), "Warm stacks kept beside stable.", standard: "1"),
        Field("for", .duration, "How long a warm stack is kept.", standard: "24h"),
        Field("quarantined", .duration, "How long a failed one is kept, parked.", standard: "24h"),
      ]), "What is kept."),
  ]

  private static let analysis = [
    Field(
      "errors",
      .mapping([
        Field(
          "ratio", .decimal(1...1000), "Fails when shown to have more than so many times stable's.",
          standard: "1.5"),
        Field(
          "margin", .decimal(0...99),
          "Passes when shown to have less than so much more, in percentage points.",
          standard: "1"),
        Field("ceiling", .decimal(0...99), "Fails when shown to have more than so many percent."),
      ]), "Errors among the requests, as the router counts them."),
    Field(
      "minimumRequests", .integer(1...1_000_000_000),
      "No step passes with fewer requests to the candidate.", standard: "300"),
    Field(
      "noTraffic", .choice(AnalysisDeclaration.NoTraffic.allCases.map(\.rawValue)),
      "What a step means in which nobody asked anything.", standard: "hold"),
    Field(
      "deadline", .duration, "After its bake a step waits so long for a verdict.", standard: "30m"),
    Field("metrics", .list(.mapping(metric)), "Numbers of a provider; one outside fails."),
  ]

  private static let metric = [
    Field("name", .name, "For people.", required: true),
    Field("provider", .name, "A provider of the agent's configuration.", required: true),
    Field(
      "query", .text,
      "In the provider's language, `${stack}` and the like in it; none for a webhook."),
    Field("metadata", .map(.text), "For a webhook: what else it is told."),
    Field(
      "minimum", .decimal(-1_000_000_000...1_000_000_000), "Below it the candidate fails.",
      standard: "1 without query and maximum"),
    Field("maximum", .decimal(-1_000_000_000...1_000_000_000), "Above it the candidate fails."),
  ]

  private static let job = [
    Field("name", .name, "For people, unique among them.", required: true),
    Field(
      "command", .list(.text),
      "Program and arguments, in the workload's environment; `${version}` is the version.",
      required: true),
    Field("deadline", .duration, "It is ended after it, and has failed.", standard: "10m"),
    Field(
      "irreversible", .bool, "The old stack may not serve after it: as `rollout.irreversible`.",
      standard: "false"),
  ]

  private static let test = [
    Field("name", .name, "For people, unique among them.", required: true),
    Field(
      "http",
      .mapping([
        Field(
          "path", .text, "The path of a GET, with its query; `${version}` in it is the version.",
          required: true),
        Field(
          "expect", .either(.integer(100...599), .list(.integer(100...599))),
          "Status codes that pass.", standard: "200"),
        Field("contains", .text, "The answer's body has to hold this, such as `${version}`."),
      ]), "A GET through the preview must answer."),
    Field(
      "command", .list(.text),
      "Or: a program of the release that must end with status 0, in the workload's environment; `${version}` is the version."
    ),
    Field(
      "deadline", .duration, "A GET is tried every second for so long; a command is ended.",
      standard: "30s"),
  ]

  private static let step = [
    Field("weight", .integer(1...100), "The candidate's share of the traffic in percent."),
    Field(
      "bake", .duration, "Healthy time with this share until the next step.",
      standard: "the rollout's"),
    Field(
      "approval",
      .mapping([
        Field("within", .duration, "Nobody did in time: taken back.", standard: "24h")
      ]), "A person has to approve what follows (`viridian approve rollout`)."),
    Field("setWeight", .integer(1...100), "As in Argo Rollouts: a weight that does not bake."),
    Field(
      "pause",
      .mapping([
        Field("duration", .duration, "Without it the pause waits for an approval.")
      ]), "As in Argo Rollouts: the weight stays."),
  ]

  private static let drift = [
    Field(
      "action", .choice(DriftPolicy.Action.allCases.map(\.rawValue)), "What to do.",
      standard: "replace"),
    Field("ignore", .list(.text), "JSON pointers with globs that are not compared."),
    Field("debounce", .duration, "How long a finding must last.", standard: "30s"),
  ]

  private static let freeze = [
    Field("days", .list(.choice(weekdays)), "Days of the week; without it every day."),
    Field("hours", .text, "`22:00-06:00`; without it the whole day."),
    Field("dates", .text, "`2026-12-24/2026-12-31`, both included."),
    Field("timeZone", .text, "IANA name.", standard: "UTC"),
  ]

  package static let weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

  /// Every key of every kind, for the reference: `Application.spec.health.interval`.
  package static func reference(
    workloads: [String: CanonicalValue], route: CanonicalValue
  ) -> [(path: String, field: Field)] {
    Field.reference(application(workloads: workloads), prefix: "Application")
      + Field.reference(environment, prefix: "Environment")
      + Field.reference(target(route: route), prefix: "Target")
  }
}
