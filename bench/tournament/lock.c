/* SPDX-License-Identifier: MIT */
/* lock.c - see lock.h. */
#include "lock.h"

#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/*
 * A file that somebody else made cannot always be opened with O_CREAT (fs.protected_regular). Its
 * name is known and anybody may write there, and what it names is emptied: never through a link.
 */
static int open_lock(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0 && (errno == EACCES || errno == EPERM))
        fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return fd;
}

static const char usual_path[] = "/tmp/velodrome.lock";

const char *lock_path(void)
{
    const char *path = getenv("VELO_LOCK");
    return path != NULL && path[0] != '\0' ? path : usual_path;
}

bool lock_is_usual(void)
{
    return strcmp(lock_path(), usual_path) == 0;
}

/* What the holder wrote; it may have died between taking the lock and writing. */
static char *read_holder(void)
{
    char *who = text_first_line(lock_path(), "");
    if (who[0] != '\0')
        return who;
    free(who);
    return text_copy("a process that does not say who it is");
}

/* Whoever looks at the lock holds it for an instant (lock_holder): a few tries. */
static bool try_lock(int fd)
{
    enum { TRIES = 5, PAUSE_NS = 20000000 };
    for (int i = 0; i < TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    return false;
}

int lock_take(const char *holder)
{
    int fd = open_lock(lock_path());
    if (fd < 0) {
        int failure = errno;
        say_error("cannot open the lock file %s: %s; VELO_LOCK=FILE names another one",
                  lock_path(),
                  failure == ELOOP ? "it is a link, which is not followed" : strerror(failure));
        return -failure;
    }
    if (!try_lock(fd)) {
        char *who = read_holder();
        say_error("another tournament runs on this machine (%s); two at once would measure each "
                  "other. Wait for it, or stop it with kill -INT and the number of its process: it "
                  "loses nothing and can be resumed.",
                  who);
        free(who);
        close(fd);
        return -EBUSY;
    }
    char now[32];
    time_t seconds = time(NULL);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(now, sizeof(now), "%Y-%m-%d %H:%M:%S UTC", &utc);
    if (ftruncate(fd, 0) == 0)
        dprintf(fd, "process %d, %s, since %s", (int)getpid(), holder, now);
    return fd;
}

void lock_say(int lock, const char *folder)
{
    char here[4096];
    bool relative = folder[0] != '/' && getcwd(here, sizeof(here)) != NULL;
    dprintf(lock, ", %s%s%s", relative ? here : "", relative ? "/" : "", folder);
}

char *lock_holder(void)
{
    int fd = open(lock_path(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *who = flock(fd, LOCK_SH | LOCK_NB) == 0 ? NULL : read_holder();
    close(fd);
    return who;
}
