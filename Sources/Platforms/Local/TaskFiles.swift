import Glibc
import KeeperKit
import Model
import PlatformKit

/// Reads what lies on disk of one stack's tasks. Writes nothing.
struct TaskFiles: Sendable {
  /// What people are shown of a task's output.
  private static let outputBytes = 4096
  /// Read of it, so that a secret that the last part cuts in two is seen whole.
  private static let tailBytes = 64 << 10

  private let layout: StackLayout
  init(_ layout: StackLayout) { self.layout = layout }

  /// Every task that was ordered, sorted.
  func names() throws(HostError) -> [String] {
    try HostDirectory.list(layout.tasks).filter(TaskOrder.isName)
  }

  /// Whether a task was ordered and has not ended.
  func hasOpen() throws(HostError) -> Bool {
    for name in try names() {
      let files = layout.task(name)
      if try !HostFile.exists(files.end), try !isOver(files) { return true }
    }
    return false
  }

  /// It began in an earlier boot, whether its keeper has said so or not.
  private func isOver(_ files: TaskLayout) throws(HostError) -> Bool {
    do throws(HostError) {
      let start = try HostFile.decode(TaskStart.self, from: files.start)
      return start.map { $0.process.bootID != Host.bootID } ?? false
    } catch .malformed {
      return false
    }
  }

  /// Processes of tasks that have begun and not ended; they may be dead.
  func running() throws(HostError) -> [ProcessIdentity] {
    var found: [ProcessIdentity] = []
    for name in try names() {
      let files = layout.task(name)
      guard try !HostFile.exists(files.end) else { continue }
      do throws(HostError) {
        if let start = try HostFile.decode(TaskStart.self, from: files.start) {
          found.append(start.process)
        }
      } catch .malformed {
        // Nobody knows it any more; its keeper calls it lost.
      }
    }
    return found
  }

  /// Changes when the task ends, and never after that but by hand.
  func endStamp(_ name: String) throws(HostError) -> FileStamp? {
    try HostFile.status(layout.task(name).end).map(FileStamp.init)
  }

  func observation(_ name: String, _ redaction: Redaction) throws(HostError) -> TaskObservation {
    TaskObservation(
      name: name, state: try state(layout.task(name)),
      output: try output(layout.task(name), redaction))
  }

  private func state(_ files: TaskLayout) throws(HostError) -> TaskObservation.State {
    let end: TaskEnd?
    do throws(HostError) {
      end = try HostFile.decode(TaskEnd.self, from: files.end)
    } catch .malformed(let path, let reason) {
      end = .lost(reason: "\(path): \(reason)")
    }
    return switch end {
    case nil: try isOver(files) ? .lost(reason: "the host was restarted while it ran") : .running
    case .succeeded: .succeeded
    case .failed(let reason): .failed(reason: reason)
    case .overdue: .failed(reason: "ended after its deadline of \(try deadline(files))")
    case .lost(let reason): .lost(reason: reason)
    }
  }

  private func deadline(_ files: TaskLayout) throws(HostError) -> String {
    let order = try HostFile.decode(TaskOrder.self, from: files.order)
    return Duration.milliseconds(order?.deadlineMilliseconds ?? 0).text
  }

  private func output(_ files: TaskLayout, _ redaction: Redaction) throws(HostError) -> String {
    var bytes = try LogTail.end(of: files.log, atMost: Self.tailBytes).bytes
    if bytes.count < Self.tailBytes {
      bytes =
        try LogTail.end(of: files.olderLog, atMost: Self.tailBytes).bytes.suffix(
          Self.tailBytes - bytes.count) + bytes
    }
    // The first line may have lost its beginning, which redaction has to see.
    if bytes.count == Self.tailBytes, let end = bytes.firstIndex(of: 0x0A) {
      bytes.removeSubrange(...end)
    }
    let text = redaction.apply(String(decoding: bytes, as: UTF8.self))
    var start = text.endIndex
    var count = 0
    while start > text.startIndex {
      let previous = text.index(before: start)
      count += text[previous].utf8.count
      guard count <= Self.outputBytes else { break }
      start = previous
    }
    return String(text[start...])
  }
}
