import Foundation
import GitSource
import Support
import Testing

@Suite struct LibraryTests {
  @Test(
    arguments: [
      ([1, 9, 7], nil, true), ([1, 9, 10], nil, true), ([2, 0, 0], nil, true),
      ([1, 9, 6], nil, false), ([1, 5, 1], nil, false), ([0, 28, 9], nil, false),
      ([1, 5, 1], "1.5.1+ds-1+deb12u2", true), ([1, 5, 1], "1.5.1+ds-1+deb12u10", true),
      ([1, 5, 1], "1.5.1+ds-1+deb12u1", false), ([1, 5, 1], "1.5.1+ds-1", false),
      ([1, 5, 1], "1.5.1+ds-1+deb12u", false), ([1, 7, 2], "1.7.2+ds-1ubuntu3", false),
    ] as [([Int], String?, Bool)])
  func `only what is known to be repaired is taken`(
    numbers: [Int], package: String?, isRepaired: Bool
  ) {
    let version = GitLibraryVersion(numbers: numbers, package: package)
    #expect((version.problem == nil) == isRepaired, "\(version)")
    if let problem = version.problem {
      #expect(problem.contains(version.description) && problem.contains("1.9.7"))
    }
  }

  @Test func `the package is the one that owns the loaded file`() throws {
    let directory = try TemporaryDirectory()
    let info = directory.path("info")
    try FileManager.default.createDirectory(atPath: info, withIntermediateDirectories: true)
    func write(_ name: String, _ text: String) throws {
      try writeFile(directory.path(name), Array(text.utf8))
    }
    try write("maps", "7f00-7f01 r-xp 00000000 08:01 42    /usr/lib/a/libgit2.so.1.5.1\n")
    try write("info/libgit2-1.5:amd64.list", "/.\n/usr/lib/a/libgit2.so.1.5.1\n")
    try write("info/libgit2-dev:amd64.list", "/.\n/usr/lib/a/libgit2.so\n")
    let status = "Package: %\nStatus: install ok installed\nVersion: %2\n\n"
    try write(
      "status",
      status.replacing("%2", with: "9").replacing("%", with: "libgit2-dev")
        + status.replacing("%2", with: "1.5.1+ds-1+deb12u2").replacing("%", with: "libgit2-1.5"))
    func linked() -> String? {
      GitLibraryVersion.linked(maps: directory.path("maps"), dpkg: directory.path("")).package
    }
    #expect(linked() == "1.5.1+ds-1+deb12u2")
    // A library of one's own is no package's, whatever is installed beside it.
    try write("maps", "7f00-7f01 r-xp 00000000 08:01 42    /usr/local/lib/libgit2.so.1.5.1\n")
    #expect(linked() == nil)
  }

  @Test func `this program says which library it runs with`() {
    let version = GitLibraryVersion.linked()
    #expect(version.numbers.count == 3 && !version.numbers.lexicographicallyPrecedes([1, 5, 1]))
  }
}
