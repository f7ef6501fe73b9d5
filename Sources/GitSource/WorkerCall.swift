import FoundationEssentials
import Glibc
import Model

/// Runs one worker process on a thread of its own.
struct WorkerCall: Sendable {
  enum Outcome: Sendable {
    case answered(WorkerAnswer, SnapshotParts)
    case died(how: String, WorkerStage)

    func answer() throws(SourceError) -> (WorkerAnswer, SnapshotParts) {
      switch self {
      case .answered(.failed(let error), _): throw error
      case .answered(let answer, let parts): return (answer, parts)
      case .died(let how, _): throw .worker("the source worker \(how)")
      }
    }
  }

  let program: WorkerProgram
  let deadline: Duration

  /// Cancelling the task kills the worker.
  func run(
    _ request: WorkerRequest, _ parts: SnapshotParts = SnapshotParts()
  ) async throws(SourceError) -> Outcome {
    let input = WorkerMessage(json: try encode(request), parts: parts).encoded
    let cancellation = Cancellation()
    let process = ChildProcess(
      input: input,
      outputLimit: request.configuration.limits.answerBytes + SnapshotParts.mostBytes + 1024,
      deadline: deadline, cancellation: cancellation)
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        BlockingThread.run({ () throws(SourceError) in try program.run(process) }) {
          continuation.resume(returning: $0)
        }
      }
    } onCancel: {
      cancellation.cancel()
    }
    return try judge(try result.get())
  }

  private func encode(_ request: WorkerRequest) throws(SourceError) -> [UInt8] {
    do {
      return Array(try JSONEncoder().encode(request))
    } catch {
      throw .worker("cannot write the worker's request: \(error)")
    }
  }

  private func judge(_ output: ChildProcess.Output) throws(SourceError) -> Outcome {
    let stage = WorkerStage.last(in: String(decoding: output.standardError, as: UTF8.self))
    switch output.end {
    case .cancelled: throw .cancelled
    case .timedOut: return .died(how: "did not end within \(deadline.text)", stage)
    case .signalled(let signal): return .died(how: "ended the worker with signal \(signal)", stage)
    case .tooMuchOutput: return .died(how: "gave more than an answer may hold", stage)
    case .exited(let status):
      guard let message = WorkerMessage(output.standardOutput),
        let answer = try? JSONDecoder().decode(WorkerAnswer.self, from: Data(message.json))
      else { return .died(how: "ended the worker with status \(status) and no answer", stage) }
      return .answered(answer, message.parts)
    }
  }
}

/// Runs blocking work outside Swift's own pool of threads.
enum BlockingThread {
  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  static func run<Value: Sendable>(
    _ body: @escaping @Sendable () throws(SourceError) -> Value,
    then finish: @escaping @Sendable (Result<Value, SourceError>) -> Void
  ) {
    let work = Unmanaged.passRetained(
      Work {
        do throws(SourceError) {
          finish(.success(try body()))
        } catch {
          finish(.failure(error))
        }
      })
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
        return nil
      }, work.toOpaque())
    guard code == 0 else {
      work.release()
      finish(.failure(.worker("no thread: \(String(cString: strerror(code)))")))
      return
    }
    pthread_detach(thread)
  }
}
