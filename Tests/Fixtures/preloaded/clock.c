// Preloaded into a program, has one of its clocks jump twenty times a second; CLOCK_JUMPS says which. "realtime", the
// clock that people set, jumps by a thousand days, forward and back; "boottime", which goes on while the machine is
// suspended, jumps forward by an hour, as at the end of a suspension.
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

// Jumps so far: twenty a second.
static time_t jumps(void) {
    static time_t first;
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    time_t count = now.tv_sec * 20 + now.tv_nsec / 50000000;
    if (first == 0) first = count;
    return count - first;
}

static int is_told(const char *name) {
    const char *told = getenv("CLOCK_JUMPS");
    return told != NULL && strcmp(told, name) == 0;
}

static int jumps_about(clockid_t clock) {
    return (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) && is_told("realtime");
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int code = (int)syscall(SYS_clock_gettime, clock, time);
    if (code == 0 && jumps_about(clock)) time->tv_sec += (jumps() % 3 - 1) * 1000 * 86400;
    if (code == 0 && clock == CLOCK_BOOTTIME && is_told("boottime")) time->tv_sec += jumps() * 3600;
    return code;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    int code = clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return code;
}

time_t time(time_t *place) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (place != NULL) *place = now.tv_sec;
    return now.tv_sec;
}
