import Foundation

/// Both programs in a directory of their own, as a package installs them.
struct Installation {
  private let directory: URL

  init(in host: URL) throws {
    directory = host.appending(path: "programs")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    try install(Self.built)
  }

  var viridian: URL { directory.appending(path: "viridian") }

  /// Puts another build in the place of both, as a package does: new files under the old names,
  /// while what runs goes on in the old ones. `version`: as long as the built one.
  func install(_ version: String) throws {
    for (name, data) in [
      ("viridian", try Self.stamped(version)),
      ("viridian-keeper", try Self.keeper + Data("built for \(version)".utf8)),
    ] {
      let incoming = directory.appending(path: "incoming-\(name)")
      try data.write(to: incoming)
      chmod(incoming.path, 0o755)
      guard rename(incoming.path, directory.appending(path: name).path) == 0 else {
        throw Unexpected("cannot install \(name)")
      }
    }
  }

  /// The version that was built, and one that was not.
  static let built = "0.1.0"
  static let other = "0.1.9"

  private static var keeper: Data {
    get throws { try Data(contentsOf: Programs.products.appending(path: "viridian-keeper")) }
  }

  /// The built program with another version in its stamp.
  private static func stamped(_ version: String) throws -> Data {
    var data = try Data(contentsOf: Programs.viridian)
    let stamp = Data("viridian version \(built)\0".utf8)
    guard let found = data.range(of: stamp),
      data.range(of: stamp, in: found.upperBound..<data.count) == nil
    else { throw Unexpected("the program does not bear the version \(built) exactly once") }
    data.replaceSubrange(found, with: Data("viridian version \(version)\0".utf8))
    return data
  }
}
