import Foundation
import HAProxyRouter
import LocalPlatform
import Manifest
import Model
import Planning
import PlatformKit

private let platforms: [PlatformName: PlatformDecoders] = [
  "local": PlatformDecoders(workloads: [ProcessWorkloadDecoder()], route: HAProxyRouteDecoder())
]

private let context = ManifestContext(
  source: "main", commit: "0123456789abcdef0123456789abcdef01234567", platforms: platforms,
  isTimeZone: { $0 == "Europe/Paris" })

/// The application and environment that a target of the input may refer to.
private let beside = """
  apiVersion: viridian.dev/v1alpha1
  kind: Application
  metadata: { name: web }
  spec: { workload: { process: { artifact: "a-${version}", command: [./web, "${port}"] } } }
  ---
  apiVersion: viridian.dev/v1alpha1
  kind: Environment
  metadata: { name: production }
  spec: { platform: local }

  """

/// A file of a commit, beside a good one. What is read, kept and read again is the same.
func fuzzManifest(_ bytes: [UInt8]) {
  let marked = Array("# viridian.dev/\n".utf8) + bytes
  let reading = FileReading(marked, file: "fuzz.yaml")
  precondition(
    FileReading(encoded: reading.encoded, file: "fuzz.yaml") == reading, "kept otherwise")
  let state = Manifest.assemble(
    [
      ("beside.yaml", FileReading(Array(beside.utf8), file: "beside.yaml")),
      ("fuzz.yaml", reading),
    ], context)
  for problem in state.diagnostics {
    let isClean = problem.description.unicodeScalars.allSatisfy { $0.value >= 0x20 }
    precondition(isClean, "a control character in a message")
  }
  for target in state.targets {
    precondition(isValidName("\(target.id.application)"), "a target with such a name")
    _ = target.declaredDigest
  }
}

/// What the agent gives a worker back as what it read before.
func fuzzReading(_ bytes: [UInt8]) {
  guard let reading = FileReading(encoded: bytes, file: "fuzz.yaml") else { return }
  _ = Manifest.assemble([("fuzz.yaml", reading)], context)
}

/// The record of a target in the ledger.
func fuzzRecord(_ bytes: [UInt8]) {
  guard let record = try? JSONDecoder().decode(TargetRecord.self, from: Data(bytes)) else { return }
  let encoder = JSONEncoder()
  encoder.outputFormatting = .sortedKeys
  guard let text = try? encoder.encode(record) else { preconditionFailure("cannot be written") }
  let again = try? JSONDecoder().decode(TargetRecord.self, from: text)
  precondition(again == record, "read otherwise than written")
}
