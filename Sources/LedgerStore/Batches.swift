import GRDB

extension Database {
  /// 500 rows of at most 9 columns: well below SQLite's 32,766 parameters of one statement, and
  /// 10,000 statuses take 20 statements.
  private static var batchSize: Int { 500 }

  /// `prefix` + `(?,…),(?,…)` + `suffix`, many rows in one statement.
  func executeBatches(
    _ prefix: String, rows: [[(any DatabaseValueConvertible)?]], suffix: String = ""
  ) throws {
    guard let width = rows.first?.count else { return }
    let row = "(" + Array(repeating: "?", count: width).joined(separator: ",") + ")"
    for start in stride(from: 0, to: rows.count, by: Self.batchSize) {
      let batch = rows[start..<min(start + Self.batchSize, rows.count)]
      let values = Array(repeating: row, count: batch.count).joined(separator: ",")
      // Only the full batch and the single row come often enough to keep their compiled form.
      let sql = prefix + values + suffix
      let isCommon = batch.count == Self.batchSize || batch.count == 1
      let statement = try isCommon ? cachedStatement(sql: sql) : makeStatement(sql: sql)
      try statement.execute(arguments: StatementArguments(batch.flatMap { $0 }))
    }
  }

  /// `prefix` + `(?,…)`, many keys in one statement.
  func executeBatches(_ prefix: String, keys: [String]) throws {
    for start in stride(from: 0, to: keys.count, by: Self.batchSize) {
      let batch = keys[start..<min(start + Self.batchSize, keys.count)]
      let values = Array(repeating: "?", count: batch.count).joined(separator: ",")
      try execute(sql: prefix + "(" + values + ")", arguments: StatementArguments(Array(batch)))
    }
  }
}
