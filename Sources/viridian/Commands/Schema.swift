import Agent
import ArgumentParser
import Manifest
import Model
import PlatformKit

struct Schema: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the JSON Schema of the manifests, or of viridian.yaml.")
  @Flag(name: .customLong("configuration"), help: "The schema of the agent's configuration.")
  var ofConfiguration = false
  @OptionGroup var options: ConfigurationOptions

  func run() throws {
    if ofConfiguration {
      return print(FieldType.schema(of: ConfigurationFields.all).json)
    }
    print(Manifest.schema(try PlatformCatalog.decoders(try options.load())).json)
  }
}
