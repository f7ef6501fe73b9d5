package import KeeperKit

/// How this host is used, from the agent's configuration.
package struct LocalPlatformSettings: Hashable, Sendable {
  /// Absolute; holds `stacks/` with one directory for each stack.
  package var directory: String
  /// The program `viridian-keeper`; nil: the one beside the running program.
  package var keeper: String?
  /// Where instances listen. The default lies below the kernel's own range for outgoing
  /// connections, so that no connection takes a port between two starts of an instance.
  package var ports: ClosedRange<Int>
  /// A directory on tmpfs: secrets never reach a disk.
  package var secrets: String
  /// How dead instances are started again; part of each stack's plan.
  package var restart: RestartPolicy
  /// Bounds of an artifact; part of each stack's plan.
  package var unpack: UnpackLimits

  package init(
    directory: String, keeper: String? = nil, ports: ClosedRange<Int> = 20_000...29_999,
    secrets: String = "/dev/shm", restart: RestartPolicy = RestartPolicy(),
    unpack: UnpackLimits = UnpackLimits()
  ) {
    self.directory = directory
    self.keeper = keeper
    self.ports = ports
    self.secrets = secrets
    self.restart = restart
    self.unpack = unpack
  }
}
