/* SPDX-License-Identifier: MIT */
/* lock.c - see lock.h. */
#include "lock.h"

#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* A file that somebody else made cannot always be opened with O_CREAT (fs.protected_regular). */
static int open_lock(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 && (errno == EACCES || errno == EPERM))
        fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd;
}

int lock_take(const char *holder)
{
    const char *path = getenv("VELO_LOCK");
    if (path == NULL || path[0] == '\0')
        path = "/tmp/velodrome.lock";
    int fd = open_lock(path);
    if (fd < 0) {
        int failure = errno;
        say_error("cannot open the lock file %s: %s; VELO_LOCK=FILE names another one",
                  path,
                  strerror(failure));
        return -failure;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        char *who = text_first_line(path, "");
        say_error(
            "another tournament runs on this machine (%s); two at once would measure each other. "
            "Wait for it, or stop it.",
            who[0] != '\0' ? who : "it does not say who");
        free(who);
        close(fd);
        return -EBUSY;
    }
    if (ftruncate(fd, 0) == 0)
        dprintf(fd, "process %d, %s\n", (int)getpid(), holder);
    return fd;
}
