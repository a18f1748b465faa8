/* SPDX-License-Identifier: MIT */
/* The kernel's side of the descriptor table, by epoll; see fdkernel.h. */
#include "common/parts/fdkernel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

static uint32_t to_epoll(const struct fd_arming *arming)
{
    uint32_t mask = 0;
    if ((arming->events & VELO_READ) != 0)
        mask |= EPOLLIN;
    if ((arming->events & VELO_WRITE) != 0)
        mask |= EPOLLOUT;
    if ((arming->events & VELO_EDGE) != 0 || arming->hushed)
        mask |= (uint32_t)EPOLLET;
    if ((arming->events & VELO_ONESHOT) != 0)
        mask |= (uint32_t)EPOLLONESHOT;
    return mask;
}

static int control(int epfd, int op, const struct fd_arming *arming)
{
    struct epoll_event event = {0};
    event.events = to_epoll(arming);
    event.data.u64 = arming->data;
    return epoll_ctl(epfd, op, arming->fd, &event) == 0 ? 0 : -errno;
}

static int wake_register(const struct fdtable *table, int epfd)
{
    struct epoll_event event = {0};
    event.events = EPOLLIN | (uint32_t)EPOLLET; /* edge: never needs to be read */
    event.data.u64 = FD_DATA_WAKE;
    return epoll_ctl(epfd, EPOLL_CTL_ADD, table->eventfd, &event) == 0 ? 0 : -errno;
}

bool fdtable_take_wake(const struct fdtable *table)
{
    uint64_t count;
    ssize_t got;
    do
        got = read(table->eventfd, &count, sizeof(count));
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof(count);
}

int fdkernel_init(struct fdtable *table)
{
    table->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (table->epfd < 0)
        return -errno;
    table->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = table->eventfd < 0 ? -errno : wake_register(table, table->epfd);
    if (rc != 0) {
        if (table->eventfd >= 0)
            close(table->eventfd);
        close(table->epfd);
    }
    return rc;
}

void fdkernel_close(struct fdtable *table)
{
    close(table->eventfd);
    close(table->epfd);
}

bool fdkernel_owns(struct fdtable *table, int fd)
{
    return fd == table->epfd || fd == table->eventfd;
}

int fdkernel_add(struct fdtable *table, const struct fd_arming *arming)
{
    int rc = control(table->epfd, EPOLL_CTL_ADD, arming);
    if (rc == -EEXIST && table->strays > 0) { /* of the same file and number: taken over */
        rc = control(table->epfd, EPOLL_CTL_MOD, arming);
        if (rc == 0)
            table->strays--;
    }
    return rc;
}

int fdkernel_change(struct fdtable *table, const struct fd_arming *arming)
{
    int rc = control(table->epfd, EPOLL_CTL_MOD, arming);
    return rc == -ENOENT ? -EBADF : rc; /* the caller closed it: epoll has forgotten it */
}

void fdkernel_remove(struct fdtable *table, uint32_t index, int fd)
{
    (void)index;
    if (epoll_ctl(table->epfd, EPOLL_CTL_DEL, fd, NULL) != 0)
        table->strays++; /* closed already; a duplicate may keep it in epoll */
}

/* Put everything that the old epoll instance should hold into [fresh]. */
static int rebuild_into(const struct fdtable *table, int fresh)
{
    int rc = wake_register(table, fresh);
    for (size_t fd = 0; rc == 0 && fd < table->by_fd_size; fd++) {
        struct fd_arming arming;
        if (!fdtable_arming(table, fd, &arming))
            continue;
        rc = control(fresh, EPOLL_CTL_ADD, &arming);
        if (rc == -EBADF || rc == -EPERM) /* its user has closed it: there is nothing to keep */
            rc = 0;
    }
    /* the backend loses the old instance when that is closed, which dup3() does */
    return rc == 0 && table->backend >= 0 ? fdtable_embed(table, fresh) : rc;
}

/* Under the old number, and all or nothing: when the kernel refuses a step the old instance stays,
 * and the stray reports again. */
void fdkernel_rebuild(struct fdtable *table)
{
    int fresh = epoll_create1(EPOLL_CLOEXEC);
    if (fresh < 0)
        return;
    if (rebuild_into(table, fresh) == 0 && dup3(fresh, table->epfd, O_CLOEXEC) >= 0)
        table->strays = 0;
    close(fresh);
}
