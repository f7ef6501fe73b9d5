import Foundation

/// A scenario: comments, commands and what each is expected to print.
struct Script {
  struct Block {
    /// Comments and blank lines before the command, as they stand.
    var preface: [String] = []
    var command: [String] = []
    var expected: [String] = []
    var line: Int
  }

  var blocks: [Block] = []
  private var epilogue: [String] = []

  /// The form of etcd-io/raft's testdata: a command of one or more lines, `----`, its output, and
  /// a blank line.
  init(parsing text: String) {
    var block = Block(line: 1)
    var isOutput = false
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    for (index, line) in lines.enumerated() {
      if isOutput {
        if line.isEmpty {
          blocks.append(block)
          block = Block(line: index + 2)
          isOutput = false
        } else {
          block.expected.append(line)
        }
      } else if line == "----" {
        isOutput = true
      } else if block.command.isEmpty, line.isEmpty || line.hasPrefix("#") {
        block.preface.append(line)
      } else {
        block.command.append(line)
      }
    }
    if isOutput || !block.command.isEmpty { blocks.append(block) } else { epilogue = block.preface }
  }

  /// Runs every block in one world; the answer is the script with the true outputs.
  func run(_ plan: @escaping World.Plan) -> Script {
    var stage = Stage(plan: plan)
    var result = self
    for index in blocks.indices {
      result.blocks[index].expected = stage.perform(blocks[index].command)
        .filter { !$0.isEmpty }
    }
    return result
  }

  var text: String {
    let written = blocks.map { block in
      (block.preface + block.command + ["----"] + block.expected).joined(separator: "\n") + "\n"
    }
    let tail = epilogue.filter { !$0.isEmpty }
    return written.joined(separator: "\n")
      + (tail.isEmpty ? "" : "\n" + tail.joined(separator: "\n"))
  }
}

/// Words of one line: `by="the on-call"` is one word.
func words(of line: String) -> [String] {
  var words: [String] = []
  var word = ""
  var isQuoted = false
  for character in line {
    switch character {
    case "\"": isQuoted.toggle()
    case " " where !isQuoted:
      if !word.isEmpty { words.append(word) }
      word = ""
    default: word.append(character)
    }
  }
  if !word.isEmpty { words.append(word) }
  return words
}
