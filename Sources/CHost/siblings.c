#define _GNU_SOURCE
#include "chost.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST_DESCRIPTORS = 8 };

union control {
  struct cmsghdr alignment;
  char bytes[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
};

pid_t chost_fork_sibling(int *pidfd) {
  // The pidfd goes where the third argument says, on every architecture. Nothing of the C library's
  // view of threads has to be put right: the caller has only one.
  long pid = syscall(SYS_clone, CLONE_PARENT | CLONE_PIDFD | SIGCHLD, NULL, pidfd, NULL, NULL);
  return pid < 0 ? -errno : (pid_t)pid;
}

int chost_send_descriptors(int socket, const int *descriptors, int count) {
  char byte = 'd';
  struct iovec part = {&byte, 1};
  union control control;
  if (count < 1 || count > MOST_DESCRIPTORS) return -EINVAL;
  memset(&control, 0, sizeof control);
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
      .msg_controllen = CMSG_SPACE(count * sizeof(int))};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(count * sizeof(int));
  memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
  ssize_t sent;
  do sent = sendmsg(socket, &message, MSG_NOSIGNAL); while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : 0;
}

int chost_receive_descriptors(int socket, int *descriptors, int count) {
  char byte;
  struct iovec part = {&byte, 1};
  union control control;
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
      .msg_controllen = sizeof control};
  ssize_t got;
  do got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC); while (got < 0 && errno == EINTR);
  if (got < 0) return -errno;
  if (got == 0) return 0;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return -EPROTO;
  int found = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
  int all[MOST_DESCRIPTORS];
  if (found > MOST_DESCRIPTORS) found = MOST_DESCRIPTORS;
  memcpy(all, CMSG_DATA(header), found * sizeof(int));
  if (found == count) {
    memcpy(descriptors, all, count * sizeof(int));
    return found;
  }
  for (int index = 0; index < found; index++) close(all[index]);
  return -EPROTO;
}

int chost_close_from(unsigned first) {
  return syscall(SYS_close_range, first, ~0U, 0) != 0 ? -errno : 0;
}
