import Foundation
import Hummingbird
package import LedgerKit
package import Logging
import ServiceLifecycle

/// Serves the control API on a Unix socket that only its owner may open.
package struct ControlService: Service {
  private let path: String
  private let ledger: any Ledger
  private let controls: AgentControls
  private let log: Logger

  /// `path`: at most 107 bytes (the kernel's limit); the caller holds the lease, so a socket that
  /// is left there is nobody's.
  package init(path: String, ledger: any Ledger, controls: AgentControls, log: Logger) {
    self.path = path
    self.ledger = ledger
    self.controls = controls
    self.log = log
  }

  package func run() async throws {
    unlink(path)
    let application = Application(
      router: ControlAPI(ledger: ledger, controls: controls).router(),
      configuration: .init(address: .unixDomainSocket(path: path)),
      onServerRunning: { _ in
        // Others may pass through the folder; the socket is for its owner alone.
        chmod(path, 0o600)
      }, logger: log)
    try await application.run()
    unlink(path)
  }
}
