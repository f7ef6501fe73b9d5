import Glibc
import KeeperKit
import Model
import PlatformKit

/// Reads every field that drift is compared with.
struct Inspector: Sendable {
  /// Raised when a field is added, removed or read in another way.
  static let schema = 1

  /// What `schema` stands for.
  static let fields: [FieldPath] =
    [
      FieldPath("stack", "/directory"), FieldPath("stack", "/processes/foreign"),
      FieldPath("secrets", "/access"), FieldPath("secrets", "/values"),
      FieldPath("release", "/manifest"), FieldPath("release", "/files/**"),
    ] + PlanFields.pointers.map { FieldPath("stack", $0) }
    + InstanceFields.pointers.map { FieldPath("instance/*", $0) }

  let site: Site
  let files: StackFiles
  private let refusal: Sheet.Refusal?
  private let releases = ReleaseReader()

  init(site: Site, files: StackFiles, refusal: Sheet.Refusal?) {
    self.site = site
    self.files = files
    self.refusal = refusal
  }

  func inspect(_ certificate: BirthCertificate) throws(PlatformError) -> Inspection {
    let name = site.name(certificate)
    guard case .ours(let found) = try files.entry(name), found.launch == certificate.launch else {
      throw .rejected(fault: .platform, "there is no stack \(name) of this launch")
    }
    let layout = site.layout(name)
    let spec = try ProcessSpec(certificate.spec)
    var sheet = Sheet(refusal: refusal)
    readDirectory(layout, &sheet)
    PlanFields(site: site).read(certificate, spec, layout, &sheet)
    sheet.exhaustive.append(FieldPath("stack", PlanFields.check))
    readSecrets(certificate, spec, &sheet)
    releases.read(layout, &sheet)
    InstanceFields(site: site, files: files).read(certificate, spec, layout, &sheet)
    return Inspection(
      schema: Self.schema, readings: sheet.readings, declared: sheet.declared,
      exhaustive: sheet.exhaustive)
  }

  private func readDirectory(_ layout: StackLayout, _ sheet: inout Sheet) {
    let field = FieldPath("stack", "/directory")
    sheet.declared[field] = Self.access(0o711, geteuid())
    sheet.read(field) { () throws(HostError) in
      try HostFile.status(layout.directory).map { Self.access($0.st_mode & 0o7777, $0.st_uid) }
    }
  }

  private func readSecrets(
    _ certificate: BirthCertificate, _ spec: ProcessSpec, _ sheet: inout Sheet
  ) {
    guard !spec.secretKeys(certificate.spec).isEmpty else { return }
    let path = site.secrets(certificate)
    let access = FieldPath("secrets", "/access")
    sheet.declared[access] = Self.access(0o400, geteuid())
    sheet.read(access) { () throws(HostError) in
      try HostFile.status(path).map { Self.access($0.st_mode & 0o7777, $0.st_uid) }
    }
    sheet.read(FieldPath("secrets", "/values")) { () throws(HostError) in
      try HostFile.read(path).map { site.key.code(of: $0, purpose: "local/secrets") }
    }
  }

  static func access(_ mode: UInt32, _ owner: UInt32) -> String {
    "mode \(String(mode, radix: 8)), uid \(owner)"
  }
}

/// What an inspection has found so far.
struct Sheet: Sendable {
  /// Asked before each read: why the host cannot read the field; nil when it may try.
  typealias Refusal = @Sendable (FieldPath) -> String?

  private(set) var readings: [FieldPath: FieldReading] = [:]
  var declared: [FieldPath: String] = [:]
  var exhaustive: [FieldPath] = []
  private let refusal: Refusal?

  init(refusal: Refusal?) { self.refusal = refusal }

  /// nil is "not there"; an error is "could not be read", of this field and no other.
  mutating func read(_ field: FieldPath, _ body: () throws(HostError) -> String?) {
    if let reason = refusal?(field) { return giveUp([field], because: reason) }
    do throws(HostError) {
      readings[field] = try body().map { .value($0) } ?? .absent
    } catch {
      readings[field] = .unreadable(reason: "\(error)")
    }
  }

  /// Says of fields why nobody can read them.
  mutating func giveUp(_ fields: some Sequence<FieldPath>, because reason: String) {
    for field in fields { readings[field] = .unreadable(reason: reason) }
  }
}
