package import Model
package import PlatformKit
package struct LocalPlatformSettings: Sendable { package var directory: String; package var ports: ClosedRange<Int> = 1...2; package init(directory: String) { self.directory = directory } }
package struct LocalPlatform: Platform {
  package let name: PlatformName; package let identity = ""; package let nameLimit = 1
  package init(name: PlatformName, settings: LocalPlatformSettings, key: IdentityKey, owner: OwnerID) throws(PlatformError) { self.name = name }
  package func observe() async throws(PlatformError) -> LiveState { LiveState() }
  package func preflight(_ launch: StackLaunch) async throws(PlatformError) -> Preflight { .room }
  package func ensure(_ launch: StackLaunch) async throws(PlatformError) {}
  package func setInstances(_ count: Int, of certificate: BirthCertificate) async throws(PlatformError) {}
  package func retire(_ certificate: BirthCertificate) async throws(PlatformError) {}
  package func inspect(_ certificate: BirthCertificate) async throws(PlatformError) -> Inspection { Inspection(schema: 1, readings: [:], declared: [:]) }
  package func logs(_ certificate: BirthCertificate, lines: Int) async throws(PlatformError) -> [LogLine] { [] }
}
