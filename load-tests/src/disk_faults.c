/* A disk that fails, for one process: preloaded, it stands before the C library's calls that write and sync, and looks only
 * at files below HATTAMA_FAULT_DIR. The file HATTAMA_FAULT_ORDER says what goes wrong, in one word, read at each call:
 *
 *   full         every write and growth fails with ENOSPC
 *   sync         every sync fails with EIO
 *   kill N       the process dies at its N-th call, before it is made
 *
 * No such file, or another word: nothing goes wrong.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { WRITES, SYNCS };

static atomic_long calls;

static int is_ours(int fd) {
  const char *folder = getenv("HATTAMA_FAULT_DIR");
  if (folder == NULL) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strncmp(path, folder, strlen(folder)) == 0;
}

/* 0: go on; else the errno. The order is read by raw system calls, which nobody stands before. */
static int verdict(int fd, enum kind kind) {
  if (!is_ours(fd)) return 0;
  long call = atomic_fetch_add(&calls, 1) + 1;
  const char *path = getenv("HATTAMA_FAULT_ORDER");
  if (path == NULL) return 0;
  int order = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (order < 0) return 0;
  char text[64];
  ssize_t length = syscall(SYS_read, order, text, sizeof text - 1);
  syscall(SYS_close, order);
  if (length <= 0) return 0;
  text[length] = 0;
  if (strncmp(text, "full", 4) == 0 && kind == WRITES) return ENOSPC;
  if (strncmp(text, "sync", 4) == 0 && kind == SYNCS) return EIO;
  if (strncmp(text, "kill ", 5) == 0 && call >= atol(text + 5)) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
  return 0;
}

#define NEXT(name) \
  static __typeof__(name) *next; \
  if (next == NULL) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define STAND_BEFORE(result, name, parameters, arguments, kind) \
  result name parameters { \
    NEXT(name); \
    int wrong = verdict(fd, kind); \
    if (wrong != 0) { errno = wrong; return -1; } \
    return next arguments; \
  }

STAND_BEFORE(ssize_t, write, (int fd, const void *bytes, size_t count), (fd, bytes, count), WRITES)
STAND_BEFORE(ssize_t, pwrite, (int fd, const void *bytes, size_t count, off_t at), (fd, bytes, count, at), WRITES)
STAND_BEFORE(ssize_t, pwrite64, (int fd, const void *bytes, size_t count, off64_t at), (fd, bytes, count, at), WRITES)
STAND_BEFORE(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), WRITES)
STAND_BEFORE(int, ftruncate, (int fd, off_t length), (fd, length), WRITES)
STAND_BEFORE(int, ftruncate64, (int fd, off64_t length), (fd, length), WRITES)
STAND_BEFORE(int, fsync, (int fd), (fd), SYNCS)
STAND_BEFORE(int, fdatasync, (int fd), (fd), SYNCS)
