/// A large value that many hold and hardly anybody changes: a copy costs one reference, and two
/// copies of one value are equal without being looked at.
///
/// It reads and writes like the value itself. Writing makes another value; nobody else sees it.
/// Public, as nothing else is: only then is reading inlined into the modules that read.
@dynamicMemberLookup
@frozen public struct Shared<Value: Hashable & Codable & Sendable>: Hashable, Codable, Sendable {
  @usableFromInline final class Place: Sendable {
    @usableFromInline let value: Value
    @inlinable init(_ value: Value) { self.value = value }
  }

  @usableFromInline var place: Place

  @inlinable public init(_ value: Value) { place = Place(value) }

  /// The whole value.
  @inlinable public var value: Value { place.value }

  @inlinable public subscript<Member>(dynamicMember path: KeyPath<Value, Member>) -> Member {
    place.value[keyPath: path]
  }

  @inlinable
  public subscript<Member>(
    dynamicMember path: WritableKeyPath<Value, Member>
  ) -> Member {
    get { place.value[keyPath: path] }
    set {
      var changed = place.value
      changed[keyPath: path] = newValue
      place = Place(changed)
    }
  }

  @inlinable public static func == (a: Self, b: Self) -> Bool {
    a.place === b.place || a.place.value == b.place.value
  }

  /// One and the same value: what is false here may be equal all the same.
  @inlinable public func isSame(as other: Self) -> Bool { place === other.place }

  @inlinable public func hash(into hasher: inout Hasher) { place.value.hash(into: &hasher) }

  @inlinable public init(from decoder: any Decoder) throws {
    self.init(try Value(from: decoder))
  }

  @inlinable public func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}
