import Glibc

/// A named point where end-to-end tests stop the agent, to kill it from outside.
///
/// Reaching the point that `VIRIDIAN_FAILPOINT` names writes the name into the file that
/// `VIRIDIAN_FAILPOINT_FILE` names and stops the process. Costs a comparison when unset.
package func failpoint(_ name: String) {
  guard let wanted = Failpoint.wanted, wanted == name else { return }
  if let path = Failpoint.file, let file = fopen(path, "w") {
    fputs(name, file)
    fclose(file)
  }
  raise(SIGSTOP)
}

private enum Failpoint {
  static let wanted = variable("VIRIDIAN_FAILPOINT")
  static let file = variable("VIRIDIAN_FAILPOINT_FILE")

  private static func variable(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    return String(cString: value)
  }
}
