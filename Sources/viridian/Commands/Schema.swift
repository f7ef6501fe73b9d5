import ArgumentParser
import Display
import Manifest
import Model

struct Schema: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the JSON Schema of the manifests.")
  @OptionGroup var options: ConfigurationOptions

  func run() throws {
    print(Manifest.schema(try PlatformCatalog.decoders(try options.load())).json)
  }
}
