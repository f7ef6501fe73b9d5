import GitSource
import Glibc
import Model

// The worker of the GitSource tests: a parser that takes `version …` as a target, named after its
// file, and does what hostile input might make a real one do.
func assemble(_ snapshot: SourceSnapshot) -> DesiredState {
  var state = DesiredState(source: snapshot.source, commit: snapshot.commit)
  for file in snapshot.files {
    let text = String(decoding: file.reading, as: UTF8.self)
    if text.hasPrefix("crash") { kill(getpid(), SIGSEGV) }
    if text.hasPrefix("hang") { while true { pause() } }
    let name = file.path.split(separator: "/").last?.prefix { $0 != "." } ?? "x"
    let id = TargetID(ApplicationName(rawValue: String(name)), "production")
    if text.hasPrefix("wrong") {
      state.broken.append(id)
      state.diagnostics.append(Diagnostic(file: file.path, line: 1, message: "is wrong"))
    }
    guard text.hasPrefix("version ") else { continue }
    var spec = StackSpec(workloadKind: "process", workload: .string(text))
    for line in text.split(separator: "\n") where line.hasPrefix("artifact ") {
      spec.inputs.append(InputReference(kind: .artifact, name: String(line.dropFirst(9))))
    }
    state.targets.append(
      DesiredTarget(
        id: id, source: snapshot.source, commit: snapshot.commit,
        version: "\(text.dropFirst(8).prefix { $0 != "\n" })", platform: "local", spec: spec,
        labels: ["context": snapshot.parserContext, "user": String(getuid())],
        declaredDigest: spec.declaredDigest))
  }
  state.targets.sort { $0.id < $1.id }
  return state
}
exit(SourceWorker.main(SnapshotParser(read: { $0 }, assemble: { assemble($0) })))
