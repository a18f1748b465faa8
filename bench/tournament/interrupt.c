/* SPDX-License-Identifier: MIT */
/* interrupt.c - see interrupt.h. */
#include "interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static sigset_t watched_signals(bool pauses)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    if (pauses) {
        sigaddset(&set, SIGTSTP);
        sigaddset(&set, SIGUSR1);
        sigaddset(&set, SIGCONT);
    }
    return set;
}

int interrupt_init(struct interrupt *interrupt)
{
    sigset_t set = watched_signals(false);
    *interrupt = (struct interrupt){.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (interrupt->fd < 0)
        return -errno;
    sigprocmask(SIG_BLOCK, &set, NULL);
    return 0;
}

void interrupt_allow_pause(struct interrupt *interrupt, void (*on_pause)(void *user), void *user)
{
    sigset_t set = watched_signals(true);
    interrupt->may_pause = true;
    interrupt->on_pause = on_pause;
    interrupt->user = user;
    if (signalfd(interrupt->fd, &set, 0) >= 0)
        sigprocmask(SIG_BLOCK, &set, NULL);
}

static void wish_pause(struct interrupt *interrupt, enum pause_wish wish)
{
    bool told = interrupt->pause != PAUSE_NONE;
    interrupt->pause = wish;
    if (!told && interrupt->on_pause != NULL)
        interrupt->on_pause(interrupt->user);
}

static void take_end(struct interrupt *interrupt)
{
    interrupt->signals++;
    if (!interrupt->shielded || interrupt->signals > 1)
        interrupt->pending = true;
    else
        interrupt->on_wait(interrupt->waiting);
}

static void read_signals(struct interrupt *interrupt)
{
    struct signalfd_siginfo info;
    while (interrupt->fd >= 0 && read(interrupt->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        switch (info.ssi_signo) {
        case SIGTSTP:
            wish_pause(interrupt, PAUSE_STOP);
            break;
        case SIGUSR1:
            wish_pause(interrupt, PAUSE_WAIT);
            break;
        case SIGCONT:
            interrupt->pause = PAUSE_NONE;
            break;
        default:
            take_end(interrupt);
            break;
        }
}

void interrupt_shield(struct interrupt *interrupt, void (*on_wait)(void *user), void *user)
{
    interrupt->on_wait = on_wait;
    interrupt->waiting = user;
    interrupt->shielded = true;
}

void interrupt_unshield(struct interrupt *interrupt)
{
    interrupt->shielded = false;
    interrupt->pending = interrupt->pending || interrupt->signals > 0;
}

bool interrupt_seen(struct interrupt *interrupt)
{
    read_signals(interrupt);
    return interrupt->pending;
}

bool interrupt_pause_wanted(struct interrupt *interrupt)
{
    read_signals(interrupt);
    return interrupt->pause != PAUSE_NONE && !interrupt->pending;
}

/*
 * For Ctrl-Z the process really stops, or the shell would wait for it; SIGCONT then both wakes it
 * and is read, which ends the wish.
 */
void interrupt_pause(struct interrupt *interrupt)
{
    while (interrupt_pause_wanted(interrupt)) {
        struct pollfd polled = {.fd = interrupt->fd, .events = POLLIN};
        if (interrupt->pause == PAUSE_STOP)
            raise(SIGSTOP);
        poll(&polled, 1, -1);
    }
}

void interrupt_release(struct interrupt *interrupt)
{
    sigset_t set = watched_signals(interrupt->may_pause);
    interrupt_seen(interrupt);
    if (interrupt->fd >= 0)
        close(interrupt->fd);
    interrupt->fd = -1;
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}
