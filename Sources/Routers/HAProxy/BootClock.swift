import Glibc

/// CLOCK_BOOTTIME: the drain deadline goes on while the machine sleeps.
enum BootClock {
  static func milliseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
  }
}
