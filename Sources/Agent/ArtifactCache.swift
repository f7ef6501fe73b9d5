import Foundation
package import Model
package import PlatformKit
package import Transport

import struct Crypto.SHA256

/// The content-addressed cache of artifacts: `<directory>/<sha256>`, read-only, verified when it
/// is filled. What lies in it is verified again by whoever unpacks it.
package actor ArtifactCache: ArtifactFetcher {
  private let directory: String
  private let sources: [SourceName: any SnapshotSource]
  private let http: HTTPClient
  /// Folders below which `file://` artifacts may lie.
  private let roots: [String]
  /// Hosts that may have an address that is not public.
  private let hosts: [String]

  /// 2 GiB: more than any release that is unpacked on one host should be.
  private static let largestBytes = 2 << 30

  /// `directory`: exists and belongs to the agent.
  package init(
    directory: String, sources: [any SnapshotSource], http: HTTPClient, roots: [String] = [],
    hosts: [String] = []
  ) {
    self.directory = directory
    self.sources = Dictionary(sources.map { ($0.name, $0) }) { first, _ in first }
    self.http = http
    self.roots = roots
    self.hosts = hosts
  }

  package func cached(identity: String) async -> ArtifactFile? {
    guard identity.hasPrefix("sha256:"), let digest = Digest(hex: String(identity.dropFirst(7)))
    else { return nil }
    return file(digest)
  }

  package func fetch(
    _ reference: InputReference, source: SourceName, commit: CommitID
  ) async throws(PlatformError) -> ArtifactFile {
    if let expected = reference.expected, let cached = file(expected) { return cached }
    let incoming = "\(directory)/incoming-\(UUID().uuidString)"
    defer { unlink(incoming) }
    let digest = try await bring(reference, source, commit, to: incoming)
    if let expected = reference.expected, digest != expected {
      throw .rejected(
        fault: .stack,
        "\(reference.name) has \(digest), but the manifest says sha256:\(expected.hex)")
    }
    return try keep(incoming, as: digest)
  }

  /// Removes everything but these and what came within the last hour: a launch that was only just
  /// resolved is in no record yet, and what is missed is fetched again.
  package func prune(keeping digests: Set<Digest>) {
    let kept = Set(digests.map(\.hex))
    for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    where name.count == 64 && !kept.contains(name) {
      let path = "\(directory)/\(name)"
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      guard let made = attributes?[.modificationDate] as? Date, made.timeIntervalSinceNow < -3600
      else { continue }
      unlink(path)
    }
  }

  private func file(_ digest: Digest) -> ArtifactFile? {
    let path = "\(directory)/\(digest.hex)"
    return access(path, R_OK) == 0 ? ArtifactFile(path: path, sha256: digest) : nil
  }

  private func bring(
    _ reference: InputReference, _ source: SourceName, _ commit: CommitID, to path: String
  ) async throws(PlatformError) -> Digest {
    if reference.name.hasPrefix("https://") {
      return try await download(reference.name, to: path)
    }
    if reference.name.hasPrefix("file://") {
      return try copy(String(reference.name.dropFirst(7)), to: path)
    }
    guard let repository = sources[source] else {
      throw .transient("source \(source) of artifact \(reference.name) is not configured")
    }
    do throws(SourceFailure) {
      return try await repository.export(reference.name, at: commit, to: path)
    } catch .notFound(let text) {
      throw .rejected(fault: .stack, text)
    } catch {
      throw .transient("\(error)")
    }
  }

  private func download(_ url: String, to path: String) async throws(PlatformError) -> Digest {
    var request = HTTPRequest("GET", url: url)
    request.limits.bodyBytes = Self.largestBytes
    request.limits.total = .seconds(600)
    // Whoever may commit must not make the agent ask its own network, or a cloud's metadata service.
    request.addresses = isNamed(url) ? .any : .publicOnly
    let hash = RunningHash()
    do throws(TransportError) {
      let response = try await http.download(request, to: path) { hash.update($0) }
      guard response.status == 200 else {
        throw TransportError.broken("\(url) answered \(response.status)")
      }
      return hash.digest
    } catch .refused(let reason) {
      throw .rejected(
        fault: .stack,
        "artifact \(url): \(reason); a host of your own is named in artifacts.hosts of the agent's"
          + " configuration")
    } catch {
      throw .transient("artifact \(url): \(error)")
    }
  }

  private func isNamed(_ url: String) -> Bool {
    guard let parts = URLComponents(string: url), let host = parts.host else { return false }
    return hosts.contains(host) || hosts.contains("\(host):\(parts.port ?? 443)")
  }

  /// Only regular files whose real path lies below an allowed root.
  private func copy(_ from: String, to path: String) throws(PlatformError) -> Digest {
    guard
      let real = realpath(from, nil).map({ pointer in
        defer { free(pointer) }
        return String(cString: pointer)
      })
    else { throw .rejected(fault: .stack, "artifact file://\(from): \(lastSystemError())") }
    guard roots.contains(where: { real.hasPrefix($0.hasSuffix("/") ? $0 : $0 + "/") }) else {
      throw .rejected(
        fault: .stack,
        "artifact file://\(from) is not below a folder of artifacts.fileRoots in the agent's configuration"
      )
    }
    do {
      let input = try FileHandle(forReadingFrom: URL(fileURLWithPath: real))
      guard FileManager.default.createFile(atPath: path, contents: nil) else {
        throw PlatformError.transient("\(path): \(lastSystemError())")
      }
      let output = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      let hash = RunningHash()
      while let part = try input.read(upToCount: 1 << 20), !part.isEmpty {
        part.withUnsafeBytes { hash.update($0) }
        try output.write(contentsOf: part)
      }
      try output.synchronize()
      return hash.digest
    } catch let error as PlatformError {
      throw error
    } catch {
      throw .transient("artifact file://\(from): \(error)")
    }
  }

  private func keep(_ incoming: String, as digest: Digest) throws(PlatformError) -> ArtifactFile {
    let path = "\(directory)/\(digest.hex)"
    chmod(incoming, 0o444)
    guard rename(incoming, path) == 0 else {
      throw .transient("artifact cache \(path): \(lastSystemError())")
    }
    return ArtifactFile(path: path, sha256: digest)
  }
}

/// Fed by one transfer, read after it has ended: never at the same time.
private final class RunningHash: @unchecked Sendable {
  private var hash = SHA256()

  func update(_ bytes: UnsafeRawBufferPointer) { hash.update(bufferPointer: bytes) }

  var digest: Digest { Digest(hash.finalize()) }
}
