/* SPDX-License-Identifier: MIT */
/*
 * See faults.h. Each wrapper counts, calls the hook, may fail, and else passes on to the next
 * definition in line: that of a sanitizer if there is one, else that of libc.
 */
#include "faults.h"

#include "../parts/clock.h"
#include "velo.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* One kind of call. Relaxed throughout: these are counts, and arming happens before the calls. */
struct slot {
    _Atomic uint64_t calls;
    _Atomic uint64_t fail_from; /* numbers of calls: [fail_from, fail_until) fail */
    _Atomic uint64_t fail_until;
    _Atomic uint64_t hit;
    _Atomic int error;
    void (*_Atomic before)(void *ctx);
    _Atomic(void *) ctx;
};

static struct slot slots[SIM_CALLS];
static _Thread_local bool armed_allocation; /* this thread called sim_fault(SIM_ALLOC) */
static _Thread_local bool exempt;           /* this thread called sim_exempt() */

uint64_t sim_calls(enum sim_call call)
{
    return atomic_load(&slots[call].calls);
}

uint64_t sim_faults_hit(enum sim_call call)
{
    return atomic_load(&slots[call].hit);
}

void sim_fault(enum sim_call call, uint64_t skip, uint64_t times, int error)
{
    struct slot *slot = &slots[call];
    atomic_store(&slot->fail_until, 0);
    atomic_store(&slot->hit, 0);
    atomic_store(&slot->error, error);
    uint64_t from = atomic_load(&slot->calls) + skip;
    atomic_store(&slot->fail_from, from);
    atomic_store(&slot->fail_until, from + times);
    armed_allocation = call == SIM_ALLOC;
}

void sim_faults_clear(void)
{
    for (int call = 0; call < SIM_CALLS; call++) {
        atomic_store(&slots[call].fail_until, 0);
        atomic_store(&slots[call].before, NULL);
    }
    armed_allocation = false;
}

void sim_hook(enum sim_call call, void (*before)(void *ctx), void *ctx)
{
    atomic_store(&slots[call].ctx, ctx);
    atomic_store(&slots[call].before, before);
}

void sim_exempt(bool on)
{
    exempt = on;
}

/* Not instrumented: a sanitizer may allocate before it is ready to be called. */
__attribute__((no_sanitize("thread", "address"))) int sim_enter(enum sim_call call)
{
    struct slot *slot = &slots[call];
    if (exempt || (call == SIM_ALLOC && !armed_allocation))
        return 0;
    uint64_t number = atomic_fetch_add(&slot->calls, 1);
    void (*before)(void *) = atomic_load(&slot->before);
    if (before != NULL)
        before(atomic_load(&slot->ctx));
    if (number < atomic_load(&slot->fail_from) || number >= atomic_load(&slot->fail_until))
        return 0;
    atomic_fetch_add(&slot->hit, 1);
    return atomic_load(&slot->error);
}

/* Failing calls of this kind leave by here. */
static int failed(int error)
{
    errno = error;
    return -1;
}

/* The next definition of a function in line, in a form that ISO C allows. */
#define NEXT(name_)                                                                                \
    static __typeof__(name_) *_Atomic next_;                                                       \
    __typeof__(name_) *next = atomic_load_explicit(&next_, memory_order_relaxed);                  \
    if (next == NULL) {                                                                            \
        *(void **)&next = dlsym(RTLD_NEXT, #name_);                                                \
        atomic_store_explicit(&next_, next, memory_order_relaxed);                                 \
    }

#define SEEN __attribute__((visibility("default")))

/* ---- which descriptors are the library's ---- */

enum { FDS_KNOWN = 4096 };
static atomic_bool is_eventfd[FDS_KNOWN];
static atomic_bool is_epoll[FDS_KNOWN];
/*
 * Timers of the kernel, for loops that wait for one instead of for a time. While nobody sleeps they
 * go by the fake clock: kept here, and rung when a wait has let enough time pass.
 */
static _Atomic int64_t alarm_ns[FDS_KNOWN]; /* when it rings; 0 = not set */

static bool rings(int fd)
{
    return fd >= 0 && fd < FDS_KNOWN && atomic_load(&is_eventfd[fd]);
}

SEEN int eventfd(unsigned initial, int flags)
{
    NEXT(eventfd)
    int error = sim_enter(SIM_EVENTFD);
    if (error != 0)
        return failed(error);
    int fd = next(initial, flags);
    if (fd >= 0 && fd < FDS_KNOWN)
        atomic_store(&is_eventfd[fd], true);
    return fd;
}

SEEN int close(int fd)
{
    NEXT(close)
    int error = 0;
    if (fd >= 0 && fd < FDS_KNOWN) {
        bool rang = atomic_exchange(&is_eventfd[fd], false);
        bool polled = atomic_exchange(&is_epoll[fd], false);
        atomic_store(&alarm_ns[fd], 0);
        error = rang || polled ? sim_enter(SIM_CLOSE) : 0;
    }
    int rc = next(fd);
    return error != 0 ? failed(error) : rc;
}

SEEN int dup3(int from, int to, int flags)
{
    NEXT(dup3)
    int error = sim_enter(SIM_DUP);
    return error != 0 ? failed(error) : next(from, to, flags);
}

SEEN int fcntl(int fd, int command, ...)
{
    NEXT(fcntl)
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    int error = command == F_GETFD ? sim_enter(SIM_FCNTL) : 0;
    return error != 0 ? failed(error) : next(fd, command, argument);
}

SEEN ssize_t write(int fd, const void *bytes, size_t count)
{
    NEXT(write)
    int error = rings(fd) ? sim_enter(SIM_WAKE_WRITE) : 0;
    if (error == EAGAIN) /* "full" means that a wake-up is pending: so make one pending */
        (void)next(fd, bytes, count);
    return error != 0 ? failed(error) : next(fd, bytes, count);
}

SEEN ssize_t read(int fd, void *bytes, size_t count)
{
    NEXT(read)
    int error = rings(fd) ? sim_enter(SIM_WAKE_READ) : 0;
    return error != 0 ? failed(error) : next(fd, bytes, count);
}

/* ---- waiting ---- */

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MINUTE (60 * NS_PER_S)

static void (*_Atomic sleep_pass)(void *ctx, int64_t timeout_ns);
static _Atomic(void *) sleep_ctx; /* stored before sleep_pass */

void sim_sleep(void (*pass)(void *ctx, int64_t timeout_ns), void *ctx)
{
    atomic_store(&sleep_ctx, ctx);
    atomic_store(&sleep_pass, pass);
}

bool sim_is_sleepless(void)
{
    return atomic_load(&sleep_pass) != NULL;
}

void sim_pass(int64_t timeout_ns)
{
    void (*pass)(void *, int64_t) = atomic_load(&sleep_pass);
    if (timeout_ns != 0)
        pass(atomic_load(&sleep_ctx), timeout_ns);
}

/* The wait of [rc] events found none: let fake time pass. */
static int passed(int rc, int64_t timeout_ns)
{
    if (rc == 0)
        sim_pass(timeout_ns);
    return rc;
}

static int64_t to_ns(const struct timespec *timeout)
{
    return timeout == NULL ? -1 : timeout->tv_sec * NS_PER_S + timeout->tv_nsec;
}

/* ---- alarms ---- */

SEEN int timerfd_create(int clock, int flags)
{
    NEXT(timerfd_create)
    int error = sim_enter(SIM_TIMERFD);
    int fd = error != 0 ? failed(error) : next(clock, flags);
    if (fd >= 0 && fd < FDS_KNOWN)
        atomic_store(&alarm_ns[fd], 0);
    return fd;
}

SEEN int
timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *before)
{
    NEXT(timerfd_settime)
    static const struct itimerspec off;
    bool absolute = (flags & TFD_TIMER_ABSTIME) != 0;
    if (!sim_is_sleepless() || fd < 0 || fd >= FDS_KNOWN || !absolute)
        return next(fd, flags, value, before);
    atomic_store(&alarm_ns[fd], to_ns(&value->it_value));
    return next(fd, flags, &off, before);
}

/* The time until the first alarm, if that is before [timeout_ns]. A library may wake up once a
 * minute for its own sake: that is a wait for ever. */
static int64_t until_alarm(int64_t timeout_ns)
{
    int64_t now_ns = (int64_t)clock_now_ns();
    int64_t first_ns = timeout_ns < 0 || timeout_ns > NS_PER_MINUTE - NS_PER_S ? -1 : timeout_ns;
    for (int fd = 0; fd < FDS_KNOWN; fd++) {
        int64_t at_ns = atomic_load(&alarm_ns[fd]);
        if (at_ns != 0 && (first_ns < 0 || at_ns - now_ns < first_ns))
            first_ns = at_ns > now_ns ? at_ns - now_ns : 0;
    }
    return first_ns;
}

/* Let those ring for real whose time has come. */
static void ring_alarms(void)
{
    NEXT(timerfd_settime)
    static const struct itimerspec past = {{0, 0}, {0, 1}};
    int64_t now_ns = (int64_t)clock_now_ns();
    for (int fd = 0; fd < FDS_KNOWN; fd++) {
        int64_t at_ns = atomic_load(&alarm_ns[fd]);
        if (at_ns == 0 || at_ns > now_ns)
            continue;
        atomic_store(&alarm_ns[fd], 0);
        next(fd, TFD_TIMER_ABSTIME, &past, NULL);
    }
}

/* A wait of libraries, which found nothing: let fake time pass, at most up to an alarm. */
static void pass_time(int timeout_ms)
{
    int64_t wait_ns = until_alarm(timeout_ms < 0 ? -1 : timeout_ms * NS_PER_MS);
    if (wait_ns != 0)
        passed(0, wait_ns);
    ring_alarms();
}

/* A wait for ever does not end with 0. */
static int ended(int rc, int timeout_ms)
{
    return rc == 0 && timeout_ms < 0 ? failed(EINTR) : rc;
}

SEEN int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
    NEXT(epoll_wait)
    int error = sim_enter(timeout_ms != 0 ? SIM_POLL_WAIT : SIM_POLL_LOOK);
    if (error != 0 || !sim_is_sleepless())
        return error != 0 ? failed(error) : next(epfd, events, max, timeout_ms);
    int rc = next(epfd, events, max, 0);
    if (rc != 0 || timeout_ms == 0)
        return rc;
    pass_time(timeout_ms);
    return ended(next(epfd, events, max, 0), timeout_ms);
}

SEEN int
epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout_ms, const sigset_t *mask)
{
    NEXT(epoll_pwait)
    int error = sim_enter(timeout_ms != 0 ? SIM_POLL_WAIT : SIM_POLL_LOOK);
    if (error != 0 || !sim_is_sleepless())
        return error != 0 ? failed(error) : next(epfd, events, max, timeout_ms, mask);
    int rc = next(epfd, events, max, 0, mask);
    if (rc != 0 || timeout_ms == 0)
        return rc;
    pass_time(timeout_ms);
    return ended(next(epfd, events, max, 0, mask), timeout_ms);
}

static bool blocks(const struct timespec *timeout)
{
    return timeout == NULL || timeout->tv_sec != 0 || timeout->tv_nsec != 0;
}

SEEN int epoll_pwait2(int epfd,
                      struct epoll_event *events,
                      int max,
                      const struct timespec *timeout,
                      const sigset_t *mask)
{
    NEXT(epoll_pwait2)
    static const struct timespec at_once = {0, 0};
    int error = sim_enter(blocks(timeout) ? SIM_POLL_WAIT : SIM_POLL_LOOK);
    if (error == 0 && sim_is_sleepless())
        return passed(next(epfd, events, max, &at_once, mask), to_ns(timeout));
    return error != 0 ? failed(error) : next(epfd, events, max, timeout, mask);
}

SEEN int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    NEXT(poll)
    int error = sim_enter(timeout_ms != 0 ? SIM_POLL_WAIT : SIM_POLL_LOOK);
    return error != 0 ? failed(error) : next(fds, count, timeout_ms);
}

SEEN int
ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    NEXT(ppoll)
    static const struct timespec at_once = {0, 0};
    int error = sim_enter(blocks(timeout) ? SIM_POLL_WAIT : SIM_POLL_LOOK);
    if (error == 0 && sim_is_sleepless())
        return passed(next(fds, count, &at_once, mask), to_ns(timeout));
    return error != 0 ? failed(error) : next(fds, count, timeout, mask);
}

/* ---- epoll ---- */

/*
 * The library of a guest may take out a number whose user has unwatched and closed it: the kernel
 * says that it is not there. ThreadSanitizer takes the two calls for a race, so it does not see
 * that one; a native makes it before its unwatch returns, or it has a fault.
 */
static bool is_guest(void)
{
    return strcmp(velo_impl()->kind, "guest") == 0;
}

SEEN int epoll_ctl(int epfd, int operation, int fd, struct epoll_event *event)
{
    NEXT(epoll_ctl)
    int error = sim_enter(SIM_EPOLL_CTL);
    if (error != 0)
        return failed(error);
    if (operation == EPOLL_CTL_DEL && is_guest())
        return (int)syscall(SYS_epoll_ctl, epfd, operation, fd, event);
    return next(epfd, operation, fd, event);
}

SEEN int epoll_create1(int flags)
{
    NEXT(epoll_create1)
    int error = sim_enter(SIM_EPOLL_CREATE);
    int fd = error != 0 ? failed(error) : next(flags);
    if (fd >= 0 && fd < FDS_KNOWN)
        atomic_store(&is_epoll[fd], true);
    return fd;
}

/* ---- futexes ---- */

/* A wait on a futex that nobody will wake: EAGAIN if the word has changed, else time passes. */
static int pass_futex(const long *arguments)
{
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    const _Atomic uint32_t *word = (const _Atomic uint32_t *)(uintptr_t)arguments[0];
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    int64_t timeout_ns = to_ns((const struct timespec *)(uintptr_t)arguments[3]);
    if (atomic_load(word) != (uint32_t)arguments[2])
        return EAGAIN;
    if (timeout_ns >= 0 && ((int)arguments[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET) {
        int64_t now_ns = (int64_t)clock_now_ns(); /* it was a deadline */
        timeout_ns = timeout_ns > now_ns ? timeout_ns - now_ns : 0;
    }
    (void)passed(0, timeout_ns);
    return ETIMEDOUT;
}

static int enter_futex(const long *arguments)
{
    int command = (int)arguments[1] & FUTEX_CMD_MASK;
    if (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET) {
        if (sim_enter(SIM_FUTEX_WAIT) != 0)
            return EINTR;
        return sim_is_sleepless() ? pass_futex(arguments) : 0;
    }
    if (command == FUTEX_WAKE || command == FUTEX_WAKE_BITSET)
        (void)sim_enter(SIM_FUTEX_WAKE);
    return 0;
}

SEEN long syscall(long number, ...)
{
    NEXT(syscall)
    long arguments[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        arguments[i] = va_arg(list, long);
    va_end(list);
    int error = number == SYS_futex ? enter_futex(arguments) : 0;
    return error != 0 ? failed(error)
                      : next(number,
                             arguments[0],
                             arguments[1],
                             arguments[2],
                             arguments[3],
                             arguments[4],
                             arguments[5]);
}
