import LedgerKit
import Model

/// What outlives the agent's process on its host.
final class Disk {
  private(set) var ledger = LedgerFile()
  var isNew = true
  /// How far which ledger was written here.
  private(set) var mark: Mark?
  private var macsMade = 0
  /// What was in the ledger at some earlier moment: a backup, for somebody to restore.
  var backup: LedgerFile?
  /// Nothing can be written.
  var isFull = false
  var lastGood: [SourceName: DesiredState] = [:]
  /// Rises when somebody deletes the lease's file: whoever held the old one holds nothing.
  var leaseFile = 1
  var holder: Life?

  func holdsLease(_ life: Life, file: Int) -> Bool { file == leaseFile && holder === life }

  /// The number of the file whose lease it has from now on; nil: somebody else holds it.
  func takeLease(_ life: Life) -> Int? {
    if let holder, holder.isAlive { return nil }
    holder = life
    return leaseFile
  }

  func deleteLease() {
    leaseFile += 1
    holder = nil
  }

  func loseLedger() {
    ledger = LedgerFile()
    isNew = true
  }

  func loseMark() { mark = nil }

  /// Something was written after the backup.
  func restore(_ backup: LedgerFile) -> Bool {
    ledger = backup
    return isMarkBeyond(backup)
  }

  /// As `HighWaterMark` judges it.
  func isMarkBeyond(_ file: LedgerFile) -> Bool {
    guard let mark else { return false }
    return file.macs.count < mark.sequence
      || (mark.sequence > 0 && file.macs[mark.sequence - 1] != mark.mac)
  }

  func commit(_ write: LedgerWrite) -> Int {
    let isBeyond = isMarkBeyond(ledger) && !write.settlesLoss
    let sequence = ledger.commit(write)
    seal(isMarkBeyond: isBeyond)
    return sequence
  }

  func append(_ request: OperatorRequest) -> Int {
    let isBeyond = isMarkBeyond(ledger)
    let sequence = ledger.append(request)
    seal(isMarkBeyond: isBeyond)
    return sequence
  }

  private func seal(isMarkBeyond: Bool) {
    while ledger.macs.count < ledger.sequence {
      macsMade += 1
      ledger.macs.append(macsMade)
    }
    if !isMarkBeyond { mark = Mark(sequence: ledger.sequence, mac: ledger.macs.last ?? 0) }
  }
}

/// A place in a ledger.
struct Mark {
  var sequence: Int
  var mac: Int
}

/// The ledger's content: what a transaction changes, it changes whole.
struct LedgerFile {
  var sequence = 0
  /// Of each entry: none that was ever written anywhere has the same.
  var macs: [Int] = []
  var records: [TargetID: WrittenRecord] = [:]
  var agentRecord: WrittenRecord?
  var fingerprints: [StackID: Fingerprint] = [:]
  var statuses: [TargetID: TargetStatus] = [:]
  var alerts: [OutboxAlert] = []
  var requests: [OperatorRequest] = []
  /// The newest entries, for people who look into a schedule.
  var entries: [LedgerEntry] = []

  mutating func commit(_ write: LedgerWrite) -> Int {
    for (target, record) in write.records { records[target] = record }
    for (target, status) in write.statuses { statuses[target] = status }
    for (stack, fingerprint) in write.fingerprints { fingerprints[stack] = fingerprint }
    if let record = write.agentRecord { agentRecord = record }
    alerts += write.alerts
    sequence += write.entries.count
    entries += write.entries
    if entries.count > 400 { entries.removeFirst(200) }
    return sequence
  }

  mutating func append(_ request: OperatorRequest) -> Int {
    sequence += 1
    var request = request
    request.sequence = sequence
    requests.append(request)
    return sequence
  }
}
