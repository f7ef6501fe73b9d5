/// The 128-bit hashes of the states that were found, each with its number: a table of a fixed size
/// without holes for what is removed, for nothing is.
struct SearchTable {
  struct Key: Hashable {
    var high: UInt64
    var low: UInt64
  }

  private var keys: [Key]
  private var numbers: [UInt32]
  private let mask: Int
  private(set) var count = 0

  /// Room for that many, and as many again stay free.
  init(capacity: Int) {
    var size = 1024
    while size < capacity * 2 { size *= 2 }
    mask = size - 1
    keys = Array(repeating: Key(high: 0, low: 0), count: size)
    numbers = Array(repeating: .max, count: size)
  }

  /// The number of the state, and whether it is a new one.
  mutating func insert(_ key: Key) -> (number: UInt32, isNew: Bool) {
    var place = Int(truncatingIfNeeded: key.low) & mask
    while numbers[place] != .max {
      if keys[place] == key { return (numbers[place], false) }
      place = (place + 1) & mask
    }
    keys[place] = key
    numbers[place] = UInt32(count)
    count += 1
    return (numbers[place], true)
  }
}

extension SearchTable.Key {
  /// Two lanes that see every eight bytes each in its own way.
  init(_ bytes: [UInt8]) {
    var (high, low) = (UInt64(bytes.count), 0x9E37_79B9_7F4A_7C15 as UInt64)
    var word: UInt64 = 0
    func mix(_ number: UInt64) -> UInt64 {
      var mixed = (number ^ (number >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
    for (index, byte) in bytes.enumerated() {
      word = word << 8 | UInt64(byte)
      guard index % 8 == 7 || index == bytes.count - 1 else { continue }
      high = mix(high ^ word) &+ 0xD6E8_FEB8_6659_FD93
      low = mix(low &+ word &* 0xA076_1D64_78BD_642F) ^ 0xE703_7ED1_A0B4_28DB
      word = 0
    }
    self.init(high: mix(high), low: mix(low))
  }
}
