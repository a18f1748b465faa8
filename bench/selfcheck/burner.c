/* SPDX-License-Identifier: MIT */
/* burner.c - see burner.h. */
#include "burner.h"

#include "../tournament/clock.h"
#include "chance.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 1, TAIL_BYTES = 65536 };

static void rest(double ms)
{
    struct timespec time = {.tv_sec = (time_t)(ms / 1e3)};
    time.tv_nsec = (long)((ms - (double)time.tv_sec * 1e3) * 1e6);
    nanosleep(&time, NULL);
}

static void burn(double ms)
{
    double until_s = clock_seconds() + ms / 1e3;
    while (clock_seconds() < until_s)
        continue;
}

static void burn_at_random(uint64_t seed)
{
    for (;;) {
        burn(5 + 95 * chance_unit(&seed));
        rest(5 + 95 * chance_unit(&seed));
    }
}

/* What a journal says of the present: its last line is read when the file has grown. */
struct follower {
    int fd;
    ino_t inode;
    off_t size;
    bool first_is_running; /* the next run to end is the first of its block */
    char tail[TAIL_BYTES + 1];
};

static void reopen(struct follower *follower, const char *journal)
{
    struct stat now;
    if (stat(journal, &now) != 0 || (follower->fd >= 0 && now.st_ino == follower->inode))
        return;
    if (follower->fd >= 0)
        close(follower->fd);
    follower->fd = open(journal, O_RDONLY | O_CLOEXEC);
    follower->inode = now.st_ino;
    follower->size = 0;
}

/* A block begins behind any line that is no run. */
static void look(struct follower *follower, const char *journal)
{
    struct stat now;
    reopen(follower, journal);
    if (follower->fd < 0 || fstat(follower->fd, &now) != 0 || now.st_size == follower->size)
        return;
    follower->size = now.st_size;
    off_t from = now.st_size > TAIL_BYTES ? now.st_size - TAIL_BYTES : 0;
    ssize_t got = pread(follower->fd, follower->tail, TAIL_BYTES, from);
    if (got <= 0)
        return;
    follower->tail[got] = '\0';
    if (follower->tail[got - 1] == '\n')
        follower->tail[got - 1] = '\0';
    const char *line = strrchr(follower->tail, '\n');
    follower->first_is_running =
        strstr(line != NULL ? line : follower->tail, "\"type\":\"run\"") == NULL;
}

static void burn_in_step(const char *journal)
{
    static struct follower follower = {.fd = -1};
    for (;;) {
        look(&follower, journal);
        if (follower.first_is_running)
            burn(LOOK_MS);
        else
            rest(LOOK_MS);
    }
}

pid_t burner_start(enum burner_kind kind, const char *journal, uint64_t seed)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child != 0)
        return child > 0 ? child : -errno;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    if (kind == BURNER_RANDOM)
        burn_at_random(seed);
    burn_in_step(journal);
    _exit(0);
}

void burner_stop(pid_t burner)
{
    kill(burner, SIGKILL);
    while (waitpid(burner, NULL, 0) < 0 && errno == EINTR)
        continue;
}
