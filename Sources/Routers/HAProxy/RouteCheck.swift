import Glibc
import Model
import PlatformKit

/// Refuses a route that cannot be rendered exactly: what gets past here holds no character that
/// means anything to HAProxy, whatever a manifest said.
func checkRoute(_ route: Route, slots: Int) throws(PlatformError) {
  func reject(_ text: String) -> PlatformError {
    .rejected(fault: .stack, "route of \(route.target): \(text)")
  }
  let names = [route.target.application.rawValue, route.target.environment.rawValue]
  guard names.allSatisfy(isValidName) else { throw reject("the target's name is not valid") }
  guard route.mode != .none else { throw reject("a target without traffic has no route") }
  if let problem = listenProblem(route.declaration) { throw reject(problem) }
  guard route.backends.count <= slots else {
    throw reject("\(route.backends.count) stacks, but only \(slots) fit")
  }
  guard Set(route.backends.map(\.generation)).count == route.backends.count else {
    throw reject("a generation is named twice")
  }
  let sum = route.backends.reduce(0) { $0 &+ $1.weightPercent }
  guard route.backends.allSatisfy({ (0...100).contains($0.weightPercent) }), [0, 100].contains(sum)
  else { throw reject("weights must be 0 to 100 and sum to 100") }
  if let fallback = route.fallback {
    guard route.backends.contains(where: { $0.generation == fallback }) else {
      throw reject("the fallback \(fallback) is not behind the route")
    }
  }
  if let problem = pickProblem(route) { throw reject(problem) }
  for backend in route.backends {
    if let problem = problem(of: backend) { throw reject("\(backend.generation): \(problem)") }
  }
}

private func listenProblem(_ declaration: CanonicalValue) -> String? {
  guard let listen = ListenAddress(declaration: declaration, .listen) else {
    return "listen must be an address and a port such as 127.0.0.1:8080"
  }
  let known = Set(Listener.allCases.map(\.rawValue))
  guard let keys = declaration.object?.keys, known.isSuperset(of: keys) else {
    return "only `listen` and `preview` are known"
  }
  guard keys.contains(Listener.preview.rawValue) else { return nil }
  guard let preview = ListenAddress(declaration: declaration, .preview) else {
    return "preview must be an address and a port such as 127.0.0.1:8081"
  }
  return listen.overlaps(preview) ? "preview must be another port than listen" : nil
}

private func problem(of backend: Backend) -> String? {
  func isToken(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
  }
  // A server's name is shown in every line of the statistics: 80 bytes are plenty.
  guard (1...80).contains(backend.launch.utf8.count), backend.launch.utf8.allSatisfy(isToken)
  else { return "the launch token has characters other than letters, digits, - and _" }
  guard backend.generation.number > 0 else { return "generations start at 1" }
  if let path = backend.checkPath {
    let extra = Set("/.~=&+,:;@?*!()%".utf8)
    guard path.hasPrefix("/"), path.utf8.count <= 512,
      path.utf8.allSatisfy({ isToken($0) || extra.contains($0) })
    else { return "the check path has characters that a URL path cannot have" }
  }
  let names = backend.endpoints.map { ServerName(backend, $0) }
  guard Set(names).count == names.count, names.count <= 1000 else {
    return "an endpoint is named twice, or there are more than 1000"
  }
  for endpoint in backend.endpoints {
    guard isAddress(endpoint.host, AF_INET) || isAddress(endpoint.host, AF_INET6),
      (1...65535).contains(endpoint.port), endpoint.instance >= 0
    else { return "instance \(endpoint.instance) is not at a literal address and port" }
  }
  return nil
}
