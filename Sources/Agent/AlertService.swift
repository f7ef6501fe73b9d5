import Alerts
import ServiceLifecycle

/// Empties the outbox until the agent stops.
struct AlertService: Service {
  let delivery: AlertDelivery

  func run() async throws {
    await cancelWhenGracefulShutdown { await delivery.run() }
  }
}
