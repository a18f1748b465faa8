/* SPDX-License-Identifier: MIT */
/* See fdfile.h. */
#include "common/parts/fdfile.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

int fdfile_of(int fd, struct fdfile *file, mode_t *kind)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return -errno;
    *file = (struct fdfile){status.st_dev, status.st_ino};
    *kind = status.st_mode & S_IFMT;
    return 0;
}

bool fdfile_is(int fd, const struct fdfile *file)
{
    struct fdfile now = {0};
    mode_t kind;
    return fdfile_of(fd, &now, &kind) == 0 && now.device == file->device &&
           now.inode == file->inode;
}

int fdfile_ask_epoll(int fd)
{
    struct epoll_event event = {0};
    int epfd = epoll_create1(EPOLL_CLOEXEC);
    if (epfd < 0)
        return -ENOMEM; /* there is no descriptor left to ask with */
    int rc = epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
    close(epfd);
    return rc;
}
