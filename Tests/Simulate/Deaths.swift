import ArgumentParser
import Dispatch
import Foundation
import Simulation

/// Death before, within and after everything that changes the world, in every story, and in pairs.
struct Deaths: ParsableCommand {
  @Option(help: "Of the pairs of deaths in each story, every so many (0: none, 1: all).")
  var pairs = 0
  @Flag(help: "Nobody dies: each story once.") var unharmed = false
  @Option(help: "Only the story of this name.") var story: String?
  @Option(help: "How many side by side.") var threads = ProcessInfo.processInfo.activeProcessorCount

  func run() throws {
    let stories = Story.all.filter { story == nil || $0.name == story }
    let tally = Tally()
    tally.measure {
      DispatchQueue.concurrentPerform(iterations: threads) { thread in
        for (index, story) in stories.enumerated() where index % threads == thread {
          for deaths in unharmed ? [[]] : story.deaths(pairsEvery: pairs) {
            let simulation = Simulation(story.schedule)
            simulation.deaths = deaths
            tally.add(simulation.run(), "\(story.name), dead at \(deaths.sorted())")
          }
        }
      }
    }
    print("\(stories.count) stories: \(tally.sentence)")
    if tally.failed > 0 { throw ExitCode(1) }
  }
}
