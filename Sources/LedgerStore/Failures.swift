import GRDB
import LedgerKit

extension LedgerError {
  /// What an SQLite or decoding error means for the caller. `path`: the ledger's file.
  init(_ error: any Error, at path: String) {
    let place = "ledger \(path): "
    switch error {
    case LedgerError.damaged(let text): self = .damaged(place + text)
    case LedgerError.unavailable(let text): self = .unavailable(place + text)
    case LedgerError.refused(let text): self = .refused(place + text)
    case let error as DatabaseError:
      let text = place + (error.message ?? "\(error.resultCode)")
      switch error.resultCode {
      case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(text)
      default: self = .unavailable(text)
      }
    case is RowDecodingError: self = .damaged(place + "a row has a value of a wrong type")
    case is CancellationError: self = .unavailable(place + "the reader was cancelled")
    default: self = .unavailable(place + "\(error)")
    }
  }
}
