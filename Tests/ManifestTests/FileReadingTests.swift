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

  /// `make fuzz` asks the same of any file.
  @Test(arguments: ["a: *b\n", "a: \"b\n", "a: b\na: c\n", "- - - a\n", "a: !foo b\n", "\u{0}"])
  func `whatever the file holds`(_ text: String) throws {
    let file = ManifestFile(path: "x.yaml", bytes: Array(("# viridian.dev/\n" + text).utf8))
    try expectSame(Example().files + [file], text)
    let cut = ManifestFile(path: "x.yaml", bytes: file.bytes + [0xC3])
    try expectSame(Example().files + [cut], text)
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
