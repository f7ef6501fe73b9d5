package import Model

/// Where stacks run. Level-triggered: progress lives only in the world.
///
/// Every verb is idempotent, bounded in time, safe to repeat after a lost answer, and identified
/// by the birth certificate's immutable identity, never by a name pattern. There is no launch path
/// that is not adoption: an implementation forgets every handle between calls.
package protocol Platform: Sendable {
  var name: PlatformName { get }

  /// The immutable id of the place, written into certificates (a host's machine id).
  var identity: String { get }

  /// The longest stack name that the platform takes, in bytes.
  var nameLimit: Int { get }

  /// After so long every listing shows a change, as the platform's maker documents it; zero: the next one
  /// does. Until then nothing is taken away by what is listed, and what is absent may be there (S13).
  var propagation: Duration { get }

  /// One listing of all stacks with a valid certificate of ours, complete or an error.
  func observe() async throws(PlatformError) -> LiveState

  /// Whether what the launch runs at first has room now; a shortage is a platform fault.
  func preflight(_ launch: StackLaunch) async throws(PlatformError) -> Preflight

  /// Launches the stack, or goes on with it: asked on every pass until observed `complete` or
  /// `failed`. The first thing created carries the certificate.
  func ensure(_ launch: StackLaunch) async throws(PlatformError)

  /// Sets how many of the declared instances run: 0 parks.
  func setInstances(_ count: Int, of certificate: BirthCertificate) async throws(PlatformError)

  /// Runs the task at most once, whatever happens: asked again until it is observed to have ended. The
  /// stack is complete; its instances may be parked.
  func run(_ task: StackTask, of certificate: BirthCertificate) async throws(PlatformError)

  /// Stops what runs within the drain deadline, then removes the stack and all it created.
  func retire(_ certificate: BirthCertificate) async throws(PlatformError)

  /// Reads every field that drift is compared with.
  func inspect(_ certificate: BirthCertificate) async throws(PlatformError) -> Inspection

  /// The newest log lines of all instances, oldest first, at most `lines`.
  func logs(_ certificate: BirthCertificate, lines: Int) async throws(PlatformError) -> [LogLine]
}

/// Everything `ensure` needs. `certificate` is signed.
package struct StackLaunch: Sendable {
  package var certificate: BirthCertificate
  /// Where the bytes of each resolved artifact lie on this host, by `InputReference.key`.
  package var artifacts: [String: ArtifactFile]
  /// Secret values by `InputReference.key`; never logged, never in argv.
  package var secrets: [String: Secret]
  package var drainDeadline: Duration
  /// So many instances run until `setInstances` says otherwise; nil: all that are declared.
  package var instances: Int?
  package init(
    certificate: BirthCertificate, artifacts: [String: ArtifactFile], secrets: [String: Secret],
    drainDeadline: Duration, instances: Int? = nil
  ) {
    self.instances = instances
    self.certificate = certificate
    self.artifacts = artifacts
    self.secrets = secrets
    self.drainDeadline = drainDeadline
  }
}

/// An archive (tar, optionally gzip) whose SHA-256 is known.
package struct ArtifactFile: Hashable, Sendable {
  package var path: String
  package var sha256: Digest
  package init(path: String, sha256: Digest) {
    self.path = path
    self.sha256 = sha256
  }
}

/// A value that never prints itself.
package struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  package let reveal: String
  package init(_ value: String) { reveal = value }
  package var description: String { "<redacted>" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

package enum Preflight: Hashable, Sendable {
  case room
  /// What is short, with numbers: `memory: 512 MiB needed, 100 MiB free`.
  case shortage(String)
}

package struct LogLine: Hashable, Codable, Sendable {
  package var instance: Int
  package var text: String
  package init(instance: Int, text: String) {
    self.instance = instance
    self.text = text
  }
}
