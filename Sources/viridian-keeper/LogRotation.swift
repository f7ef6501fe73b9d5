import Glibc
import KeeperKit

/// The log files of the instances: size-bounded, written by the instances themselves.
///
/// They are truncated in place after a copy, because the instance keeps its descriptor: no pipe
/// through the keeper could be lost with it or slow the application down.
struct LogRotation {
  let layout: StackLayout
  /// One file and one predecessor of each instance.
  private static let largestBytes = 10 << 20

  /// Appends, so that truncation moves the end for the writer too.
  func open(_ instance: Int) throws(HostError) -> Descriptor {
    try Descriptor(
      open: layout.log(instance), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o640)
  }

  func rotate(_ instances: Range<Int>) {
    for instance in instances {
      let path = layout.log(instance)
      do throws(HostError) {
        guard let status = try HostFile.status(path), status.st_size > Self.largestBytes else {
          continue
        }
        guard let bytes = try HostFile.read(path) else { continue }
        try HostFile.write(
          Array(bytes.suffix(Self.largestBytes)), to: "\(path).1", mode: 0o640, isDurable: false)
        truncate(path, 0)
      } catch {
        // Too large to be copied: what was written goes, the disk stays.
        truncate(path, 0)
        say("log of instance \(instance): \(error)")
      }
    }
  }
}
