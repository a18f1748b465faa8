/* SPDX-License-Identifier: MIT */
/*
 * Which descriptors has the library opened for this loop? Some say so. Of the others we know that
 * their set in the kernel holds our alarm, and /proc tells what a set holds: whatever else is in
 * there, and no user has registered, is the library's. To ask costs as much as the process has
 * descriptors, so it is done when somebody wants to watch a set, once for others that are neither
 * file, pipe nor socket, at libev's first unwatch after its set was made (it takes out of the set
 * itself what is unwatched), and in a forked child. Where /proc is not mounted, nothing of it is
 * known.
 */
#include "common/guest/guest.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What stands in a set, one by one: the lines "tfd: NUMBER ..." of its fdinfo. */
struct targets {
    int file;
    ssize_t at, size;
    char buffer[1024];
};

static bool open_targets(struct targets *targets, int set)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", set);
    targets->at = targets->size = 0;
    targets->file = open(path, O_RDONLY | O_CLOEXEC);
    return targets->file >= 0;
}

static int next_byte(struct targets *targets)
{
    if (targets->at == targets->size) {
        targets->size = read(targets->file, targets->buffer, sizeof(targets->buffer));
        targets->at = 0;
        if (targets->size <= 0) {
            targets->size = 0;
            return -1;
        }
    }
    return (unsigned char)targets->buffer[targets->at++];
}

/* The next one, or -1. */
static int next_target(struct targets *targets)
{
    char line[32];
    size_t length = 0;
    for (int byte; (byte = next_byte(targets)) >= 0;) {
        if (byte != '\n') {
            if (length < sizeof(line) - 1)
                line[length++] = (char)byte;
            continue;
        }
        line[length] = '\0';
        length = 0;
        if (strncmp(line, "tfd:", 4) == 0)
            return (int)strtol(line + 4, NULL, 10);
    }
    return -1;
}

static bool holds(int set, int wanted)
{
    struct targets targets;
    int target = -1;
    if (!open_targets(&targets, set))
        return false;
    do
        target = next_target(&targets);
    while (target >= 0 && target != wanted);
    close(targets.file);
    return target == wanted;
}

int guest_find_set(const struct guest *guest)
{
    int set = -1;
    if (guest->alarm_fd < 0)
        return -1;
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL)
        return -1;
    for (const struct dirent *entry; set < 0 && (entry = readdir(directory)) != NULL;) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        if (entry->d_name[0] != '.' && holds(fd, guest->alarm_fd))
            set = fd;
    }
    closedir(directory);
    return set;
}

/* Those in the library's set that no user has registered. */
static int list_own(const struct guest *guest, int set, int *own, int max)
{
    struct targets targets;
    struct fd_arming arming;
    int count = 0;
    if (!open_targets(&targets, set))
        return 0;
    for (int target; count < max && (target = next_target(&targets)) >= 0;) {
        if (!fdtable_arming(&guest->core.fds, (size_t)target, &arming))
            own[count++] = target;
    }
    close(targets.file);
    return count;
}

static void learn_own(struct guest *guest)
{
    int set = guest_find_set(guest);
    if (set < 0)
        return;
    guest_forget_own(guest);
    list_own(guest, set, guest->own, GUEST_OWN);
    guest->knows_own = true;
}

void guest_forget_own(struct guest *guest)
{
    for (int i = 0; i < GUEST_OWN; i++)
        guest->own[i] = -1;
    guest->knows_own = false;
}

static bool is_listed(const struct guest *guest, int fd)
{
    bool listed = fd == guest->bell_fd || fd == guest->alarm_fd || fd == guest->aside_fd;
    for (int i = 0; i < GUEST_OWN; i++)
        listed = listed || fd == guest->own[i];
    return listed;
}

static bool is_a_set(int fd)
{
    static const char wanted[] = "anon_inode:[eventpoll]";
    char path[64], kind[sizeof(wanted)];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return readlink(path, kind, sizeof(kind)) == (ssize_t)sizeof(wanted) - 1 &&
           memcmp(kind, wanted, sizeof(wanted) - 1) == 0;
}

bool guest_is_own(struct guest *guest, int fd)
{
    struct stat file;
    if (is_listed(guest, fd))
        return true;
    if (fstat(fd, &file) != 0 || (file.st_mode & S_IFMT) != 0)
        return false;
    if (is_a_set(fd))
        return fd == guest_find_set(guest);
    if (!guest->knows_own)
        learn_own(guest);
    return is_listed(guest, fd);
}

/* Close [fd], unless it is in the list of the first [count] that are closed already. */
static void close_once(int fd, const int *closed, int count)
{
    bool again = fd < 0;
    for (int i = 0; i < count; i++)
        again = again || closed[i] == fd;
    if (!again)
        close(fd);
}

void guest_close_own(struct guest *guest)
{
    enum { FOUND = 12, ALL = GUEST_OWN + FOUND + 4 };
    int own[ALL];
    int count = 0;
    if (pthread_mutex_trylock(&guest->core.fds.lock) != 0)
        return; /* a thread that does not exist here was changing what we would look at */
    for (int i = 0; i < GUEST_OWN; i++)
        own[count++] = guest->own[i];
    own[count++] = guest->bell_fd;
    own[count++] = guest->alarm_fd;
    own[count++] = guest->aside_fd;
    int set = guest_find_set(guest);
    own[count++] = set;
    if (set >= 0)
        count += list_own(guest, set, own + count, FOUND);
    for (int i = 0; i < count; i++)
        close_once(own[i], own, i);
    pthread_mutex_unlock(&guest->core.fds.lock);
}
