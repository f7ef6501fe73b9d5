package func failpoint(_ name: String) {}
