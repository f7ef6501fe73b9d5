import Agent
import Foundation
import HAProxyRouter
import LocalPlatform
import Manifest
import Model
import PlatformKit

/// The platforms this product knows: a new one is one entry here and one in Package.swift.
enum PlatformCatalog {
  /// What a platform of this kind understands in manifests.
  static func decoders(_ kind: String) throws(AgentError) -> PlatformDecoders {
    switch kind {
    case "local":
      PlatformDecoders(workloads: [ProcessWorkloadDecoder()], route: HAProxyRouteDecoder())
    default: throw unknown(kind)
    }
  }

  /// The platform with its router, as the configuration describes it.
  static func place(
    _ entry: PlatformEntry, _ configuration: AgentConfiguration, key: IdentityKey
  ) throws -> Executor.Place {
    switch entry.kind {
    case "local":
      let directory = configuration.directory(of: entry)
      var settings = LocalPlatformSettings(directory: directory)
      settings.ports = entry.firstPort...entry.lastPort
      var proxy = HAProxySettings(directory: "\(directory)/haproxy")
      proxy.reloadInterval = entry.reloadEvery
      let router = try HAProxyRouter(proxy)
      let platform = LocalPlatform(
        name: entry.name, settings: settings, key: key, owner: configuration.owner)
      return Executor.Place(
        platform: platform, router: router, counter: router, checks: platform)
    default: throw unknown(entry.kind)
    }
  }

  static func decoders(
    _ configuration: AgentConfiguration
  ) throws(AgentError) -> [PlatformName: PlatformDecoders] {
    var result: [PlatformName: PlatformDecoders] = [:]
    for entry in configuration.platforms { result[entry.name] = try decoders(entry.kind) }
    return result
  }

  private static func unknown(_ kind: String) -> AgentError {
    .startup("no platform of kind \"\(kind)\" in this version: it knows local")
  }
}
