/* A wall clock that is wrong, for one process: preloaded, it adds HATTAMA_CLOCK_SHIFT_SECONDS to what the program asks of the
 * time of day. Clocks that measure durations stay. So does gettimeofday: librdkafka makes deadlines of its waits with that, and
 * the C library compares them with the kernel's clock, which no preloaded library reaches. (libfaketime shifts it, and clients
 * of Kafka hang.)
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long shift(void) {
  const char *seconds = getenv("HATTAMA_CLOCK_SHIFT_SECONDS");
  return seconds == NULL ? 0 : atol(seconds);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int failed = (int)syscall(SYS_clock_gettime, clock, now);
  if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += shift();
  return failed;
}

time_t time(time_t *seconds) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (seconds != NULL) *seconds = now.tv_sec;
  return now.tv_sec;
}
