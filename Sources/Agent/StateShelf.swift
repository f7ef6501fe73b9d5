import Model
import Planning

/// The last pass's state, for questions that people ask of a running agent (`viridian plan`).
package actor StateShelf {
  private var state: PassState?

  package init() {}

  package func put(_ state: PassState) { self.state = state }

  package var current: PassState? { state }
}
