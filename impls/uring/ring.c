/* SPDX-License-Identifier: MIT */
/* The ring: making it, whose it is, and entering the kernel; see uring.h. */
#include "common/parts/poller.h"
#include "common/parts/thread.h"
#include "uring.h"

#include <errno.h>

#define SUBMISSIONS 256
#define COMPLETIONS 1024 /* what does not fit the kernel keeps, at a price */

/* What the ring must be able to do besides. */
#define FEATURES (IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP)

/* How completions come about, best first. Without the flag that tells of pending work (Linux 5.19)
 * nobody could say that there is none. */
static const unsigned kinds[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG, /* 6.1 */
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static int make(struct io_uring *ring)
{
    int rc = -EINVAL;
    for (int i = 0; i < KINDS && rc == -EINVAL; i++) {
        struct io_uring_params params = {0};
        params.flags =
            kinds[i] | IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
        params.cq_entries = COMPLETIONS;
        rc = io_uring_queue_init_params(SUBMISSIONS, ring, &params);
        if (rc == 0 && (params.features & FEATURES) != FEATURES) {
            io_uring_queue_exit(ring);
            rc = -EINVAL;
        }
    }
    return rc;
}

/* Why there is no ring, for who reads the log. */
static const char *reason_of(int error)
{
    switch (error) {
    case -EPERM:
    case -EACCES:
        return "forbidden here: by a seccomp filter, as in many containers, or by sysctl "
               "kernel.io_uring_disabled";
    case -ENOSYS:
        return "this kernel has none, or a seccomp filter hides it";
    default:
        return "this kernel's is too old: Linux 5.19 is needed";
    }
}

int uring_open(struct uring *uring)
{
    int rc = make(&uring->ring);
    if (rc != 0)
        return rc;
    uring->open = true;
    uring->thread = NULL;
    uring->rings++;
    return 0;
}

int uring_explain(const struct velo_core *core, int rc)
{
    if (rc != -EPERM && rc != -EACCES && rc != -ENOSYS && rc != -EINVAL)
        return rc;
    core_log(core, VELO_LOG_ERROR, "unavailable", "io_uring=\"%s\"", reason_of(rc));
    return -ENOSYS;
}

void uring_close(struct uring *uring)
{
    if (uring->open)
        io_uring_queue_exit(&uring->ring);
    uring->open = uring->signals = uring->lost = false;
    uring->thread = NULL;
}

/* Under the lock. */
static int adopt(struct velo_core *core)
{
    struct uring *uring = uring_of(core);
    if (uring->open && uring->thread == thread_self() && !uring->lost)
        return 0;
    if (uring->thread != NULL)
        uring_close(uring);
    int rc = uring->open ? 0 : uring_open(uring);
    if (rc == 0)
        rc =
            io_uring_register((unsigned)uring->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    if (rc != 0)
        return rc;
    uring->thread = thread_self();
    uring->deaf = true;
    uring_tell_all(core);
    return 0;
}

int uring_adopt(struct velo_core *core)
{
    struct uring *uring = uring_of(core);
    if (uring->inside && !uring->lost)
        return 0;
    pthread_mutex_lock(&core->fds.lock);
    int rc = adopt(core);
    if (rc == 0 && uring->signals)
        (void)io_uring_cq_eventfd_toggle(&uring->ring, false);
    uring->inside = rc == 0;
    pthread_mutex_unlock(&core->fds.lock);
    return uring_explain(core, rc);
}

/* ---- embedding ---- */

void uring_hush(struct velo_core *core)
{
    struct epoll_event events[2];
    if (fdtable_is_pinned(&core->fds))
        (void)poller_wait(core->fds.epfd, events, 2, 0);
}

/*
 * The kernel marks its work in the ring's flags and then looks whether it may signal; here signals
 * are allowed first, and then the flags are looked at. In between stands a locked instruction, as
 * this needs a store to be seen before a load (Dekker, as in wake.h).
 */
int uring_signal(struct uring *uring)
{
    int rc = 0;
    if (!uring->signals)
        rc = io_uring_register_eventfd(&uring->ring, uring->signal_fd);
    uring->signals = rc == 0;
    if (rc == 0)
        rc = io_uring_cq_eventfd_toggle(&uring->ring, true);
    if (rc != 0)
        return rc;
    /* (U3) seq_cst: the fence of the proof; pairs with the kernel's own */
    (void)atomic_fetch_add_explicit(&uring->changes, 0, memory_order_seq_cst);
    return uring_is_pending(uring) || io_uring_cq_ready(&uring->ring) != 0;
}

void uring_tell_unsignalled(const struct velo_core *core, int error)
{
    core_log(core, VELO_LOG_ERROR, "embedding_failed", "error=%s", velo_strerror(error));
}

/* Under the lock. As uring_signal(). */
static int attend(struct velo_core *core)
{
    struct uring *uring = uring_of(core);
    if (uring->inside || (uring->open && uring->signals))
        return 0;
    int rc = adopt(core);
    if (rc != 0)
        return rc; /* the next run meets it, too */
    if (uring->deaf)
        uring_listen(core);
    uring_apply_changes(core);
    uring_ask_locked(core);
    return uring_signal(uring);
}

void uring_attend(struct velo_core *core)
{
    pthread_mutex_lock(&core->fds.lock);
    int ready = attend(core);
    pthread_mutex_unlock(&core->fds.lock);
    if (ready < 0)
        uring_tell_unsignalled(core, ready);
    if (ready != 0)
        loop_notify((struct velo_loop *)(void *)core);
}

struct io_uring_sqe *uring_sqe(struct uring *uring)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
    if (sqe != NULL)
        return sqe;
    (void)uring_enter(uring, 0);
    return io_uring_get_sqe(&uring->ring);
}

int uring_enter(struct uring *uring, int64_t timeout_ns)
{
    int rc;
    if (timeout_ns == 0) {
        rc = io_uring_submit_and_get_events(&uring->ring);
    } else {
        struct __kernel_timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
        struct io_uring_cqe *cqe;
        rc = io_uring_submit_and_wait_timeout(
            &uring->ring, &cqe, 1, timeout_ns < 0 ? NULL : &timeout, NULL);
    }
    if (rc == -EBADR)
        uring->lost = true;
    return rc < 0 ? rc : 0;
}
