/* SPDX-License-Identifier: MIT */
/* interrupt.c - see interrupt.h. */
#include "interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static sigset_t stop_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    return set;
}

int interrupt_init(struct interrupt *interrupt)
{
    sigset_t set = stop_signals();
    *interrupt = (struct interrupt){.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (interrupt->fd < 0)
        return -errno;
    sigprocmask(SIG_BLOCK, &set, NULL);
    return 0;
}

bool interrupt_seen(struct interrupt *interrupt)
{
    struct signalfd_siginfo info;
    if (interrupt->fd >= 0 && read(interrupt->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        interrupt->pending = true;
    return interrupt->pending;
}

void interrupt_release(struct interrupt *interrupt)
{
    sigset_t set = stop_signals();
    interrupt_seen(interrupt);
    if (interrupt->fd >= 0)
        close(interrupt->fd);
    interrupt->fd = -1;
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}
