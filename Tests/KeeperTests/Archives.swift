import Support

/// Archives made by Python's tarfile, which writes whatever it is told.
enum Archives {
  static func make(_ script: String, _ arguments: [String]) throws {
    try Tool.run(["/usr/bin/python3", "-I", "-c", script] + arguments)
  }

  /// `path name content name content …`: programs of a release.
  static let programs = """
    import io, sys, tarfile
    with tarfile.open(sys.argv[1], "w:gz") as tar:
        for name, content in zip(sys.argv[2::2], sys.argv[3::2]):
            entry = tarfile.TarInfo(name)
            entry.mode = 0o755
            data = content.encode()
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    """

  /// What must be refused, and a word of the reason.
  static let hostile: [(name: String, reason: String)] = [
    ("absolute", "absolute path"), ("dotdot", "part .."), ("dotdot-inside", "part .."),
    ("link-absolute", "outside"), ("link-up", "outside"), ("link-roundabout", "outside"),
    ("link-empty", "outside"), ("below-link", "is no directory"), ("link-replaced", "twice"),
    ("hard-link", "hard link"), ("hard-link-outside", "hard link"), ("device", "neither"),
    ("fifo", "neither"), ("setuid", "setuid"), ("setgid", "setuid"), ("twice", "twice"),
    ("file-and-directory", "twice"), ("below-file", "is no directory"),
    ("many", "more than 500 entries"), ("large", "more than 1048576 bytes"),
    ("sparse", "more than 1048576 bytes"), ("hole-at-end", "has not the"),
    ("control", "control characters"),
    ("not-utf8", "UTF-8"), ("deep", "deeper than"), ("truncated", "runcated"),
    ("no-archive", "nrecognized"), ("empty-file", ""),
  ]

  /// `case path`
  static let script = """
    import gzip, io, sys, tarfile
    case, path = sys.argv[1:]
    def entry(name, kind=tarfile.REGTYPE, mode=0o644, link="", size=0):
        e = tarfile.TarInfo(name)
        e.type, e.mode, e.linkname, e.size = kind, mode, link, size
        return e
    def file(name, content=b"x", mode=0o644):
        tar.addfile(entry(name, mode=mode, size=len(content)), io.BytesIO(content))
    def link(name, target): tar.addfile(entry(name, tarfile.SYMTYPE, 0o777, target))
    def directory(name, mode=0o755): tar.addfile(entry(name, tarfile.DIRTYPE, mode))
    raw = io.BytesIO()
    tar = tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT)
    if case != "good": file("first")
    if case == "good":
        directory("./")
        file("./serve", b"#!/bin/sh\\necho s >> $HOME/starts\\nexec sleep 600\\n", 0o700)
        directory("./empty", 0o700); directory("./empty/")
        file("lib/deep/a.txt", b"content\\n", 0o666); directory("lib")
        link("lib/deep/up", "../../serve"); link("here", "lib"); link("dangling", "lib/none")
        file("h\\u00e9llo w\\u00f6rld", b""); file("n/" + "/".join(["long" * 40] * 5))
    elif case == "absolute": file("/tmp/keeper-tests-escaped")
    elif case == "dotdot": file("../escaped")
    elif case == "dotdot-inside": file("a/b/../../../escaped")
    elif case == "link-absolute": link("etc", "/etc")
    elif case == "link-up": link("a/up", "../../escaped")
    elif case == "link-roundabout": link("a/l", "b/../../../escaped")
    elif case == "link-empty": link("a", "")
    elif case == "below-link": link("a", "first"); file("a/escaped")
    elif case == "link-replaced": link("a", "b"); file("a")
    elif case == "hard-link": tar.addfile(entry("a", tarfile.LNKTYPE, link="first"))
    elif case == "hard-link-outside": tar.addfile(entry("a", tarfile.LNKTYPE, link="/etc/passwd"))
    elif case == "device": tar.addfile(entry("null", tarfile.CHRTYPE))
    elif case == "fifo": tar.addfile(entry("pipe", tarfile.FIFOTYPE))
    elif case == "setuid": file("su", mode=0o4755)
    elif case == "setgid": file("su", mode=0o2755)
    elif case == "twice": file("./first")
    elif case == "file-and-directory": directory("a"); file("a")
    elif case == "below-file": file("first/escaped")
    elif case == "many": [directory("d%d" % n) for n in range(600)]
    elif case == "large": file("zeros", bytes(2 << 20))
    elif case == "sparse":
        e = entry("hole", size=512)
        e.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0",
            "GNU.sparse.name": "hole", "GNU.sparse.realsize": str(1 << 40)}
        tar.addfile(e, io.BytesIO(b"1\\n1099511627776\\n0\\n".ljust(512, b"\\0")))
    elif case == "hole-at-end":
        e = entry("hole", size=512)
        e.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0",
            "GNU.sparse.name": "hole", "GNU.sparse.realsize": "100000"}
        tar.addfile(e, io.BytesIO(b"1\\n100000\\n0\\n".ljust(512, b"\\0")))
    elif case == "control": file("a\\x1b[2Jb")
    elif case == "not-utf8":
        tar.close(); raw = io.BytesIO()
        tar = tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT,
            encoding="latin-1")
        file("caf\\u00e9")
    elif case == "deep": file("/".join("d" * 150))
    elif case == "truncated": file("big", bytes(range(256)) * 2000)
    tar.close()
    data = gzip.compress(raw.getvalue())
    if case == "truncated":
        data = gzip.compress(raw.getvalue()[:100000])
    if case == "no-archive": data = b"\\x7fELF" + bytes(range(256)) * 40
    if case == "empty-file": data = b""
    open(path, "wb").write(data)
    """
}
