import GitSource
import Glibc
import HAProxyRouter
import LedgerStore

/// libFuzzer's own loop.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: inout Int32,
  _ arguments: inout UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
  _ testOneInput: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// One input. `FUZZ_TARGET` says whom it is given to: one program for all is linked once.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  chosen(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}

/// SwiftPM calls an executable's `main` by this name.
@_cdecl("Fuzz_main")
func main(
  _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> Int32 {
  var count = count
  var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = arguments
  return runDriver(&count, &arguments, testOneInput)
}

private let targets: [String: @Sendable ([UInt8]) -> Void] = [
  "manifest": fuzzManifest,
  "reading": fuzzReading,
  "tree": fuzzTree,
  "commit": fuzzCommit,
  "advertisement": fuzzAdvertisement,
  "pack": fuzzPack,
  "answer": fuzzAnswer,
  "url": fuzzURL,
  "haproxy": fuzzHAProxy,
  "route": fuzzStoredRoute,
  "ledger": fuzzLedger,
  "record": fuzzRecord,
]

private let chosen: @Sendable ([UInt8]) -> Void = {
  let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
  guard let target = targets[name] else {
    print("FUZZ_TARGET is one of: \(targets.keys.sorted().joined(separator: " "))")
    exit(2)
  }
  return target
}()
