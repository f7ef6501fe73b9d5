#define _GNU_SOURCE
#include "chost.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

int chost_share_arena(void) { return mallopt(M_ARENA_MAX, 1); }

const char *chost_stage_name(int stage) {
  switch (stage) {
  case CHOST_STAGE_GROUP: return "make a session";
  case CHOST_STAGE_CGROUP: return "join the cgroup";
  case CHOST_STAGE_FILES: return "open the log";
  case CHOST_STAGE_CWD: return "enter the working directory";
  case CHOST_STAGE_USER: return "become the user";
  case CHOST_STAGE_EXEC: return "execute the command";
  default: return "start the process";
  }
}

// Only async-signal-safe calls from here on: the caller may have threads.
static void fail(int report, int stage) {
  int code = stage << 16 | (errno & 0xffff);
  ssize_t ignored = write(report, &code, sizeof code);
  (void)ignored;
  _exit(127);
}

static void reset_signals(void) {
  sigset_t none;
  sigemptyset(&none);
  for (int number = 1; number < 65; number++) signal(number, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static int join_cgroups(const char *const *files) {
  for (; files && *files; files++) {
    int fd = open(*files, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t written = write(fd, "0", 1);
    close(fd);
    if (written != 1) return -1;
  }
  return 0;
}

static void drop_user(const struct chost_spawn *spawn, int report) {
  if (!spawn->drops_user) return;
  // Raw calls: the wrappers of the C library would signal threads that the child does not have.
  uid_t uid = spawn->uid;
  gid_t gid = spawn->gid;
  if (syscall(SYS_setgroups, spawn->group_count, spawn->groups) != 0 ||
      syscall(SYS_setresgid, gid, gid, gid) != 0 || syscall(SYS_setresuid, uid, uid, uid) != 0) {
    fail(report, CHOST_STAGE_USER);
  }
}

static void child(const struct chost_spawn *spawn, pid_t parent, int go, int report) {
  char byte;
  reset_signals();
  if (spawn->dies_with_parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(126);
  }
  ssize_t got;
  do got = read(go, &byte, 1); while (got < 0 && errno == EINTR);
  if (got != 1) _exit(126);
  if (!spawn->detaches && setsid() < 0) fail(report, CHOST_STAGE_GROUP);
  if (join_cgroups(spawn->cgroup_procs) != 0) fail(report, CHOST_STAGE_CGROUP);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || dup2(null, 0) < 0) fail(report, CHOST_STAGE_FILES);
  if (dup2(spawn->output, 1) < 0 || dup2(spawn->output, 2) < 0) fail(report, CHOST_STAGE_FILES);
  // Nothing of the caller's leaks: every other descriptor closes at exec.
  if (syscall(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */) != 0) {
    fail(report, CHOST_STAGE_FILES);
  }
  umask(022);
  // Root enters first, so that a directory above need not be open to the user.
  if (chdir(spawn->cwd) != 0) fail(report, CHOST_STAGE_CWD);
  drop_user(spawn, report);
  execve(spawn->path, (char *const *)spawn->argv, (char *const *)spawn->envp);
  fail(report, CHOST_STAGE_EXEC);
}

pid_t chost_spawn_begin(const struct chost_spawn *spawn, int *go, int *report) {
  int going[2], reporting[2];
  if (pipe2(going, O_CLOEXEC) != 0) return -errno;
  if (pipe2(reporting, O_CLOEXEC) != 0) {
    int error = errno;
    close(going[0]), close(going[1]);
    return -error;
  }
  pid_t parent = getpid();
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  // Not fork(): it takes locks of the C library and of whoever asked to be told of forks, which other
  // threads may hold in another order. The child uses none of what they guard.
  pid_t pid = _Fork();
  if (pid == 0) {
    close(going[1]), close(reporting[0]);
    if (spawn->detaches) {
      if (setsid() < 0) fail(reporting[1], CHOST_STAGE_GROUP);
      pid_t second = _Fork();
      if (second < 0) fail(reporting[1], CHOST_STAGE_GROUP);
      if (second > 0) _exit(0);
    }
    child(spawn, parent, going[0], reporting[1]);
  }
  int error = errno;
  sigprocmask(SIG_SETMASK, &before, NULL);
  close(going[0]), close(reporting[1]);
  if (pid < 0) {
    close(going[1]), close(reporting[0]);
    return -error;
  }
  *go = going[1];
  *report = reporting[0];
  if (!spawn->detaches) return pid;
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
  return 0;
}

int chost_spawn_go(int go, int report) {
  int code = 0;
  ssize_t done;
  // MSG_NOSIGNAL does not exist for pipes; callers ignore SIGPIPE.
  do done = write(go, "g", 1); while (done < 0 && errno == EINTR);
  close(go);
  do done = read(report, &code, sizeof code); while (done < 0 && errno == EINTR);
  close(report);
  return done == sizeof code ? code : 0;
}

int chost_open(const char *path, int flags, mode_t mode) {
  int fd;
  do fd = open(path, flags | O_CLOEXEC, mode); while (fd < 0 && errno == EINTR);
  return fd < 0 ? -errno : fd;
}

int chost_lock(int fd) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return 0;
  return errno == EAGAIN || errno == EACCES ? 1 : -errno;
}

int chost_is_locked(int fd) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(fd, F_OFD_GETLK, &lock) != 0) return -errno;
  return lock.l_type != F_UNLCK;
}

int chost_pidfd_open(pid_t pid) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  return fd < 0 ? -errno : fd;
}

int chost_pidfd_signal(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int chost_become_subreaper(void) {
  return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int chost_limit_self(uint64_t memory_bytes, uint64_t file_bytes, uint64_t cpu_seconds) {
  struct rlimit memory = {memory_bytes, memory_bytes}, file = {file_bytes, file_bytes};
  struct rlimit cpu = {cpu_seconds, cpu_seconds};
  if (setrlimit(RLIMIT_AS, &memory) != 0 || setrlimit(RLIMIT_FSIZE, &file) != 0) return -errno;
  return setrlimit(RLIMIT_CPU, &cpu) != 0 ? -errno : 0;
}

int chost_rename_new(const char *from, const char *to) {
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

int chost_syncfs(int fd) { return syncfs(fd) < 0 ? -errno : 0; }
int chost_is_in_memory(const char *path) {
  struct statfs system;
  if (statfs(path, &system) != 0) return -errno;
  // TMPFS_MAGIC and RAMFS_MAGIC of linux/magic.h.
  return system.f_type == 0x01021994 || (unsigned)system.f_type == 0x858458f6u;
}

int chost_exited(int status) { return WIFEXITED(status); }
int chost_exit_code(int status) { return WEXITSTATUS(status); }
int chost_term_signal(int status) { return WTERMSIG(status); }
