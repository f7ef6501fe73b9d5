import GitSource
import Glibc
import Model

// The worker of the GitSource tests: a parser that takes each file's first word as a version, and
// does what hostile input might make a real one do.
let status = SourceWorker.main { snapshot in
  var state = DesiredState(source: snapshot.source, commit: snapshot.commit)
  for file in snapshot.files {
    let text = String(decoding: file.bytes, as: UTF8.self)
    if text.hasPrefix("crash") { kill(getpid(), SIGSEGV) }
    if text.hasPrefix("hang") { while true { pause() } }
    guard text.hasPrefix("version ") else { continue }
    let name = file.path.split(separator: "/").last?.prefix { $0 != "." } ?? "x"
    let spec = StackSpec(workloadKind: "process", workload: .string(text))
    state.targets.append(
      DesiredTarget(
        id: TargetID(ApplicationName(rawValue: String(name)), "production"),
        source: snapshot.source, commit: snapshot.commit,
        version: "\(text.dropFirst(8).prefix { $0 != "\n" })", platform: "local", spec: spec,
        labels: ["context": snapshot.parserContext, "user": String(getuid())],
        declaredDigest: spec.declaredDigest))
  }
  return state
}
exit(status)
