import Glibc
import KeeperKit

/// `viridian-keeper run DIRECTORY` keeps one stack; `viridian-keeper unpack …` is its child.
@main
enum Program {
  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    do throws(HostError) {
      switch arguments.first {
      case "run" where arguments.count == 2:
        exit(try Keeper.run(StackLayout(directory: arguments.last ?? "")))
      case "unpack" where arguments.count == 7:
        exit(Unpacking.main(Array(arguments.dropFirst())))
      default:
        say("usage: viridian-keeper run DIRECTORY (started by the agent, not by people)")
        exit(64)
      }
    } catch {
      say("\(error)")
      exit(70)
    }
  }
}

/// One line in keeper.log.
func say(_ text: String) {
  let line = Array("\(text)\n".utf8)
  // There is nobody left to tell when even the log cannot be written.
  _ = write(STDERR_FILENO, line, line.count)
}
