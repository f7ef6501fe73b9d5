// What Swift cannot call itself: fork and exec, variadic functions, and newer system calls.
#ifndef CHOST_H
#define CHOST_H

#include <stdint.h>
#include <sys/types.h>

// How a process is started. Strings and arrays live until chost_spawn_begin returns.
struct chost_spawn {
  const char *path;
  const char *const *argv;             // NULL-terminated
  const char *const *envp;             // NULL-terminated
  const char *cwd;
  int output;                          // becomes standard output and standard error
  const char *const *cgroup_procs;     // NULL-terminated; files that the child writes "0" to
  const gid_t *groups;
  size_t group_count;
  uid_t uid;
  gid_t gid;
  int drops_user;                      // uid, gid and groups are taken
  int detaches;                        // not a child of the caller when it runs
  int dies_with_parent;
};

// Forks a child that waits for chost_spawn_go, and ends by itself if that never comes.
// Returns its pid (0 for a detached one), or the negative errno.
pid_t chost_spawn_begin(const struct chost_spawn *spawn, int *go, int *report);

// Lets the child go on to exec. 0, or stage << 16 | errno; closes both descriptors.
int chost_spawn_go(int go, int report);

enum {
  CHOST_STAGE_GROUP = 1,
  CHOST_STAGE_CGROUP,
  CHOST_STAGE_FILES,
  CHOST_STAGE_CWD,
  CHOST_STAGE_USER,
  CHOST_STAGE_EXEC
};

// What a stage of chost_spawn_go was doing, for people.
const char *chost_stage_name(int stage);

int chost_open(const char *path, int flags, mode_t mode);
// 0 when taken, 1 when another open file holds it, else negative errno.
int chost_lock(int fd);
// 1 when some open file holds the lock, 0 when none, else negative errno. Never takes it.
int chost_is_locked(int fd);
int chost_pidfd_open(pid_t pid);
int chost_pidfd_signal(int pidfd, int signal);
int chost_become_subreaper(void);
// A copy of this process with the same parent, which waits for it as for any child of its own. Only for
// a process with one thread. 0 in the copy; its pid, or negative errno.
pid_t chost_fork_sibling(int *pidfd);
// One message with open descriptors (at most 8) over a socket of packets. 0, or negative errno.
int chost_send_descriptors(int socket, const int *descriptors, int count);
// Takes one message with exactly `count` of them. `count`, 0 at the end, or negative errno.
int chost_receive_descriptors(int socket, int *descriptors, int count);
int chost_close_from(unsigned first);
// Bounds what this process and its children may use from now on. 0, or negative errno.
int chost_limit_self(uint64_t memory_bytes, uint64_t file_bytes, uint64_t cpu_seconds);
int chost_rename_new(const char *from, const char *to);
int chost_syncfs(int fd);
// 1 when the path lies on a file system that never reaches a disk, 0 when not, else negative errno.
int chost_is_in_memory(const char *path);
// All threads share one arena of memory: what one frees another takes again. Only before there is a second
// thread. 1, or 0 when refused.
int chost_share_arena(void);
int chost_exited(int status);
int chost_exit_code(int status);
int chost_term_signal(int status);

#endif
