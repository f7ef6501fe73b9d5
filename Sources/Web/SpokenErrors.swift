import Hummingbird
import LedgerKit

/// Answers with an error's own text: by itself Hummingbird says only "500" of errors that are not
/// its own. Whoever may open the socket may read what went wrong.
struct SpokenErrors: RouterMiddleware {
  typealias Context = BasicRequestContext

  func handle(
    _ request: Request, context: BasicRequestContext,
    next: (Request, BasicRequestContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let error as any HTTPResponseError {
      throw error
    } catch let error as LedgerError {
      throw HTTPError(error.status, message: "\(error)")
    } catch {
      throw HTTPError(.internalServerError, message: "\(error)")
    }
  }
}

extension LedgerError {
  fileprivate var status: HTTPResponse.Status {
    switch self {
    case .refused: .conflict
    case .unavailable: .serviceUnavailable
    case .damaged: .internalServerError
    }
  }
}
