/// How soon to look again at what nobody tells about: at once, then ever more seldom.
package enum Patience {
  /// What has waited so long is looked at again after an eighth of that time: whoever waits for it
  /// waits an eighth longer at most, and a long wait costs no more looks than a few short ones.
  package static func pause(after waited: Duration, atMost longest: Duration) -> Duration {
    min(max(shortest, waited / 8), longest)
  }

  /// Longer than most looks take, and too short to be felt.
  private static let shortest = Duration.milliseconds(20)
}
