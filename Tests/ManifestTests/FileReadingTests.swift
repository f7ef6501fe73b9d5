import Manifest
import Model
import Testing

/// What is kept of a file is as good as the file.
@Suite struct FileReadingTests {
  /// The same as `Manifest.parse`, by way of the kept form.
  private func throughKeptForm(_ files: [ManifestFile]) throws -> DesiredState {
    let readings = try files.map { file in
      let kept = FileReading(file.bytes, file: "").encoded
      return (file.path, try #require(FileReading(encoded: kept, file: file.path)))
    }
    return Manifest.assemble(readings, Example.context())
  }

  private func expectSame(_ files: [ManifestFile], _ what: String) throws {
    #expect(try throughKeptForm(files) == Manifest.parse(files, Example.context()), "\(what)")
  }

  @Test func `targets, positions and messages are the same`() throws {
    var example = Example()
    try expectSame(example.files, "right")
    example.others["more.yaml"] = "apiVersion: viridian.dev/v1alpha1\nkind: Target\nsepc: {}\n"
    example.others["foreign.yaml"] = "kind: Deployment\n"
    try expectSame(example.files, "wrong")
    let target = try #require(try throughKeptForm(Example().files).targets.first)
    #expect(target.declaredAt == FilePosition(file: "target.yaml", line: 7))
  }

  @Test func `whatever the file holds`() throws {
    let marked = hostileStructures.mapValues { Array(("# viridian.dev/\n" + $0).utf8) }
    for (name, bytes) in Array(marked) + Array(hostileBytes) {
      try expectSame(Example().files + [ManifestFile(path: "x.yaml", bytes: bytes)], name)
    }
  }

  @Test func `damage is refused and never more than an error`() {
    let bytes = FileReading(Array(Example.application.utf8), file: "").encoded
    for length in bytes.indices {
      #expect(FileReading(encoded: Array(bytes[..<length]), file: "a") == nil, "\(length)")
    }
    #expect(FileReading(encoded: bytes + [0], file: "a") == nil)
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] = 0xFF
      _ = FileReading(encoded: damaged, file: "a")
    }
  }
}
