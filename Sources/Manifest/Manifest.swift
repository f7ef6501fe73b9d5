package import Model
package import PlatformKit

/// Files of a snapshot → what they declare, with everything that is wrong in them. Pure.
package enum Manifest {
  /// Targets of one source beyond this are an attack.
  static let mostTargets = 20_000

  /// A wrong document breaks only the targets that depend on it; everything else applies.
  package static func parse(_ files: [ManifestFile], _ context: ManifestContext) -> DesiredState {
    assemble(files.map { ($0.path, FileReading($0.bytes, file: $0.path)) }, context)
  }

  /// The same of files that were read before.
  package static func assemble(
    _ files: [(path: String, reading: FileReading)], _ context: ManifestContext
  ) -> DesiredState {
    let documents = Documents(files, context)
    var assembly = Assembly(documents: documents, context: context)
    return assembly.run()
  }

  /// The JSON Schema of one document of any kind, and of each kind in `$defs`.
  package static func schema(_ platforms: [PlatformName: PlatformDecoders]) -> CanonicalValue {
    let kinds = fields(platforms)
    let references = kinds.keys.sorted().map {
      CanonicalValue.object(["$ref": .string("#/$defs/\($0)")])
    }
    return [
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "title": "Viridian manifest", "oneOf": .array(references),
      "$defs": .object(kinds.mapValues { FieldType.schema(of: $0) }),
    ]
  }

  /// Every key of every kind: `Application.spec.health.interval`.
  package static func reference(
    _ platforms: [PlatformName: PlatformDecoders]
  ) -> [(path: String, field: Field)] {
    let (workloads, route) = schemas(platforms)
    return ManifestFields.reference(workloads: workloads, route: route)
  }

  static func fields(_ platforms: [PlatformName: PlatformDecoders]) -> [String: [Field]] {
    let (workloads, route) = schemas(platforms)
    return [
      "Application": ManifestFields.application(workloads: workloads),
      "Environment": ManifestFields.environment,
      "Target": ManifestFields.target(route: route),
    ]
  }

  private static func schemas(
    _ platforms: [PlatformName: PlatformDecoders]
  ) -> ([String: CanonicalValue], route: CanonicalValue) {
    let sorted = platforms.sorted { $0.key < $1.key }.map(\.value)
    let workloads = sorted.flatMap(\.workloads).map { ($0.kind, $0.schema) }
    var routes: [CanonicalValue] = []
    for schema in sorted.map(\.route.schema) where !routes.contains(schema) {
      routes.append(schema)
    }
    let route = routes.count == 1 ? routes[0] : CanonicalValue.object(["anyOf": .array(routes)])
    return (Dictionary(workloads) { first, _ in first }, route)
  }
}
