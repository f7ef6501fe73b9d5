import Foundation

/// What this process has used so far, from the kernel's accounts.
enum Usage {
  /// User and system time in seconds.
  static func processorTime() -> Double {
    var usage = rusage()
    getrusage(numericCast(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }

  /// Processor time of `body`, in microseconds.
  static func microseconds(of body: () async throws -> Void) async rethrows -> Int {
    let before = processorTime()
    try await body()
    return Int((processorTime() - before) * 1_000_000)
  }

  /// Resident memory now, in MiB.
  static func residentMiB() -> Int {
    let text = FileManager.default.contents(atPath: "/proc/self/statm").map {
      String(decoding: $0, as: UTF8.self)
    }
    let pages = text?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return (pages * Int(getpagesize())) >> 20
  }
}
