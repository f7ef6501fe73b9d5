import Model
package import Planning

extension Action {
  /// What it does, for the history: `ensure web@production/v002 (1.1.0)`.
  package var sentence: String {
    switch self {
    case .ensure(let order): "ensure \(order.stack) (\(order.version))"
    case .setInstances(let stack, 0): "park \(stack.generation)"
    case .setInstances(let stack, let count): "run \(count) instances of \(stack.generation)"
    case .route(let route, _): "route \(route.splitText)"
    case .removeRoute: "remove the route"
    case .runTask(let stack, let task): "run \(task.name) of \(stack.generation)"
    case .retire(let stack): "retire \(stack.generation)"
    }
  }
}

extension Route {
  /// `v001 0 %, v002 100 %`, or `to nothing yet`.
  var splitText: String {
    backends.isEmpty
      ? "to nothing yet"
      : backends.map { "\($0.generation) \($0.weightPercent) %" }.joined(separator: ", ")
  }
}

extension ActionOutcome.Result {
  /// For the history.
  package var sentence: String {
    switch self {
    case .done: "done"
    case .waiting(let text): "waiting, \(text)"
    case .transient(let text): "failed for now, \(text)"
    case .conflict(let text): "somebody was faster, \(text)"
    case .rejected(let fault, let text): "refused (\(fault.rawValue) fault), \(text)"
    }
  }
}
