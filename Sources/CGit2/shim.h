#ifndef VIRIDIAN_CGIT2_H
#define VIRIDIAN_CGIT2_H

#include <git2.h>
#include <git2/sys/transport.h>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Swift cannot call variadic functions: one function for each exact argument type. */

static inline int viridian_git_set_int(git_libgit2_opt_t o, int v) {
  return git_libgit2_opts(o, v);
}
static inline int viridian_git_set_size(git_libgit2_opt_t o, size_t v) {
  return git_libgit2_opts(o, v);
}
static inline int viridian_git_set_signed_size(git_libgit2_opt_t o, ssize_t v) {
  return git_libgit2_opts(o, v);
}
static inline int viridian_git_set_text(git_libgit2_opt_t o, const char *v) {
  return git_libgit2_opts(o, v);
}
static inline int viridian_git_set_search_path(git_config_level_t level, const char *v) {
  return git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, v);
}

/* libgit2 passes back the address of the first member: the context travels behind it. */

typedef struct {
  git_smart_subtransport base;
  void *context;
} viridian_subtransport;

typedef struct {
  git_smart_subtransport_stream base;
  void *context;
} viridian_stream;

/* GNU functions that Swift's view of the C library leaves out. */
int setgroups(size_t count, const gid_t *groups);
int setresuid(uid_t real, uid_t effective, uid_t saved);
int setresgid(gid_t real, gid_t effective, gid_t saved);
int pipe2(int ends[2], int flags);
int eventfd(unsigned int count, int flags);
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);

/* fcntl and prctl are variadic too. */

static inline void viridian_set_nonblocking(int descriptor) {
  fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

static inline int viridian_limit(__rlimit_resource_t kind, rlim_t value) {
  struct rlimit limit;
  if (getrlimit(kind, &limit) != 0) return -1;
  if (limit.rlim_max != RLIM_INFINITY && value > limit.rlim_max) value = limit.rlim_max;
  limit.rlim_cur = limit.rlim_max = value;
  return setrlimit(kind, &limit);
}

/* Gives up everything that reading a hostile repository does not need. 0, or -1 with errno. */
static inline int viridian_confine(
    int changes_user, uid_t user, gid_t group, rlim_t data_bytes, rlim_t file_bytes,
    rlim_t cpu_seconds, int dies_with_parent) {
  signal(SIGXFSZ, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  umask(077);
  if (viridian_limit(RLIMIT_CORE, 0) || viridian_limit(RLIMIT_NOFILE, 64) ||
      viridian_limit(RLIMIT_CPU, cpu_seconds) || viridian_limit(RLIMIT_DATA, data_bytes) ||
      viridian_limit(RLIMIT_AS, 4 * data_bytes) || viridian_limit(RLIMIT_FSIZE, file_bytes))
    return -1;
  if (changes_user &&
      (setgroups(0, 0) || setresgid(group, group, group) || setresuid(user, user, user)))
    return -1;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -1;
  /* After the change of user, which clears it. */
  if (dies_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)) return -1;
  return 0;
}

#endif
