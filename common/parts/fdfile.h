/* SPDX-License-Identifier: MIT */
/*
 * Which file a descriptor names. Its number comes to mean another one when its user closes it and
 * opens something else; who carries out later what was wished for a number asks by this whether it
 * is still that file (F4).
 */
#ifndef VELO_PARTS_FDFILE_H
#define VELO_PARTS_FDFILE_H

#include <stdbool.h>
#include <sys/types.h>

struct fdfile {
    dev_t device;
    ino_t inode;
};

/* Which file is [fd], and of which kind: S_IFSOCK, S_IFIFO, ...; 0: eventfd, timerfd, epoll and
 * their like? 0 or -errno. */
int fdfile_of(int fd, struct fdfile *file, mode_t *kind);

/* Does the number [fd] still name [file]? */
bool fdfile_is(int fd, const struct fdfile *file);

/* Can the kernel poll it? Only epoll says so of devices and files of /proc, which may have a poll
 * of their own or not. 0, -EPERM, or another -errno. */
int fdfile_ask_epoll(int fd);

#endif
