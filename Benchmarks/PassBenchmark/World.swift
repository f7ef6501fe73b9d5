import Foundation
import Model

/// What lies outside the agent, kept in a file: a second process finds it as the first has left it.
struct World {
  var stacks: [StackObservation]
  var routes: [RouteObservation]

  init(stacks: [StackObservation], routes: [RouteObservation]) {
    self.stacks = stacks
    self.routes = routes
  }

  private static func path(_ directory: String, _ part: String) -> String {
    "\(directory)/\(part).jsonl"
  }

  /// One line for each, so that reading it back leaves nothing large behind.
  func save(_ directory: String) throws {
    try Self.write(stacks, to: Self.path(directory, "stacks"))
    try Self.write(routes, to: Self.path(directory, "routes"))
  }

  init(readFrom directory: String) throws {
    stacks = try Self.read(Self.path(directory, "stacks"))
    routes = try Self.read(Self.path(directory, "routes"))
  }

  private static func write(_ values: [some Encodable], to path: String) throws {
    guard let file = fopen(path, "w") else { throw CocoaError(.fileWriteUnknown) }
    defer { fclose(file) }
    for value in values { fputs(try CanonicalJSON.text(value) + "\n", file) }
  }

  private static func read<Value: Decodable>(_ path: String) throws -> [Value] {
    guard let file = fopen(path, "r") else { throw CocoaError(.fileReadNoSuchFile) }
    defer { fclose(file) }
    var (line, capacity): (UnsafeMutablePointer<CChar>?, Int) = (nil, 0)
    defer { free(line) }
    var values: [Value] = []
    let decoder = JSONDecoder()
    while true {
      let length = getline(&line, &capacity, file)
      guard length > 0, let line else { return values }
      values.append(try decoder.decode(Value.self, from: Data(bytes: line, count: length)))
    }
  }
}
