import Foundation

/// A real Git server on 127.0.0.1, at a free port, that serves the bare repositories below `root`.
package final class GitServer {
  /// Make repositories here: `GitRepository(at: server.root)`.
  package let root: String
  package let port: Int
  /// https: what signed the server's certificate.
  package let caFile: String
  /// ssh: the server's host key, for knownHostsFile.
  package let knownHostsFile: String
  /// ssh: a private key that may log in.
  package let identityFile: String
  private let prefix: String
  private let directory: TemporaryDirectory
  private var processes: [ServerProcess]

  private init(
    _ directory: TemporaryDirectory, port: Int, prefix: String, processes: [ServerProcess]
  ) {
    self.directory = directory
    self.port = port
    self.prefix = prefix
    self.processes = processes
    root = directory.path("root")
    caFile = directory.path("ca.pem")
    knownHostsFile = directory.path("known_hosts")
    identityFile = directory.path("identity")
  }

  package func url(_ repository: GitRepository) -> String {
    "\(prefix)\(repository.path.dropFirst(root.count))"
  }

  package func stop() { for process in processes { process.stop() } }

  deinit { stop() }

  /// git http-backend behind nginx with TLS. With a user and password, everybody else gets 401.
  package static func https(user: String? = nil, password: String? = nil) throws -> GitServer {
    let directory = try TemporaryDirectory()
    try FileManager.default.createDirectory(
      atPath: directory.path("root"), withIntermediateDirectories: true)
    try makeCertificates(directory)
    try sign(directory, name: "IP:127.0.0.1", days: 2, authority: "ca")
    let port = try Ports.one()
    if let user, let password {
      let hash = try Tool.run(["openssl", "passwd", "-apr1", password])
      try directory.write("users", "\(user):\(hash)\n")
    }
    try directory.write(
      "nginx.conf", nginxConfiguration(directory, port: port, hasUsers: user != nil))
    let gateway = try ServerProcess(
      ["/usr/sbin/fcgiwrap", "-c", "2", "-s", "unix:\(directory.path("fcgi"))"],
      log: directory.path("fcgiwrap.log"))
    try eventually("fcgiwrap listens") {
      FileManager.default.fileExists(atPath: directory.path("fcgi"))
    }
    let nginx = try startNginx(directory, port: port)
    return GitServer(
      directory, port: port, prefix: "https://127.0.0.1:\(port)", processes: [nginx, gateway])
  }

  private static func startNginx(
    _ directory: TemporaryDirectory, port: Int
  ) throws -> ServerProcess {
    let nginx = try ServerProcess(
      ["/usr/sbin/nginx", "-p", directory.path, "-c", directory.path("nginx.conf")],
      log: directory.path("nginx.log"))
    try eventually("nginx listens") { accepts(port: port) }
    return nginx
  }

  /// Shows another certificate from now on: of this name (`IP:…`, `DNS:…`), good for so many days, of
  /// the authority `ca`, which `caFile` names, or `other`.
  package func present(
    name: String = "IP:127.0.0.1", days: Int = 2, authority: String = "ca"
  ) throws {
    try Self.sign(directory, name: name, days: days, authority: authority)
    processes[0].stop()
    processes[0] = try Self.startNginx(directory, port: port)
  }

  private static func nginxConfiguration(
    _ directory: TemporaryDirectory, port: Int, hasUsers: Bool
  ) -> String {
    let access =
      hasUsers ? "auth_basic git; auth_basic_user_file \(directory.path("users"));" : ""
    return """
      daemon off; master_process off; pid \(directory.path("nginx.pid"));
      error_log \(directory.path("error.log"));
      events { worker_connections 64; }
      http {
        access_log \(directory.path("access.log"));
        client_body_temp_path \(directory.path); proxy_temp_path \(directory.path);
        fastcgi_temp_path \(directory.path); uwsgi_temp_path \(directory.path);
        scgi_temp_path \(directory.path);
        server {
          listen 127.0.0.1:\(port) ssl;
          ssl_certificate \(directory.path("server.pem"));
          ssl_certificate_key \(directory.path("server.key"));
          client_max_body_size 64m; gzip off;
          location /elsewhere/ { return 302 https://127.0.0.1:\(port)/; }
          location / {
            \(access)
            fastcgi_pass unix:\(directory.path("fcgi"));
            fastcgi_buffering off;
            fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
            fastcgi_param GIT_PROJECT_ROOT \(directory.path("root"));
            fastcgi_param GIT_HTTP_EXPORT_ALL 1;
            fastcgi_param PATH_INFO $uri;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length;
            fastcgi_param REMOTE_USER $remote_user;
          }
        }
      }
      """
  }

  /// A key, and two authorities.
  private static func makeCertificates(_ directory: TemporaryDirectory) throws {
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for name in ["ca", "other"] {
      try Tool.run(
        ["openssl", "req", "-x509"] + key + [
          "-keyout", directory.path("\(name).key"), "-out", directory.path("\(name).pem"),
          "-days", "2", "-subj", "/CN=Test authority \(name)",
        ])
    }
    try Tool.run(
      ["openssl", "req"] + key + [
        "-keyout", directory.path("server.key"), "-out", directory.path("server.csr"),
        "-subj", "/CN=server",
      ])
  }

  /// A certificate of one of our own authorities.
  private static func sign(
    _ directory: TemporaryDirectory, name: String, days: Int, authority: String
  ) throws {
    try directory.write("san", "subjectAltName=\(name)\n")
    try Tool.run([
      "openssl", "x509", "-req", "-in", directory.path("server.csr"),
      "-CA", directory.path("\(authority).pem"), "-CAkey", directory.path("\(authority).key"),
      "-CAcreateserial", "-days", "\(days)", "-extfile", directory.path("san"),
      "-out", directory.path("server.pem"),
    ])
  }

  /// OpenSSH's sshd with an ed25519 host key; the user who runs the tests may log in with
  /// `identityFile`. Needs root, as sshd does.
  package static func ssh() throws -> GitServer {
    let directory = try TemporaryDirectory()
    try FileManager.default.createDirectory(
      atPath: directory.path("root"), withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
      atPath: "/run/sshd", withIntermediateDirectories: true)
    for name in ["host", "identity"] {
      try Tool.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", directory.path(name)])
    }
    let port = try Ports.one()
    let hostKey = String(decoding: try readFile(directory.path("host.pub")), as: UTF8.self)
    try directory.write("known_hosts", "[127.0.0.1]:\(port) \(hostKey)")
    try directory.write(
      "sshd_config",
      """
      ListenAddress 127.0.0.1:\(port)
      HostKey \(directory.path("host"))
      PidFile \(directory.path("sshd.pid"))
      AuthorizedKeysFile \(directory.path("identity.pub"))
      StrictModes no
      UsePAM no
      PasswordAuthentication no
      KbdInteractiveAuthentication no
      PermitRootLogin prohibit-password
      PermitUserEnvironment no
      """)
    let server = try ServerProcess(
      ["/usr/sbin/sshd", "-D", "-e", "-f", directory.path("sshd_config")],
      log: directory.path("sshd.log"))
    try eventually("sshd listens") { accepts(port: port) }
    return GitServer(
      directory, port: port,
      prefix: "ssh://\(NSUserName())@127.0.0.1:\(port)\(directory.path("root"))",
      processes: [server])
  }
}
