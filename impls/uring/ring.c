/* SPDX-License-Identifier: MIT */
/* The ring: making it, whose it is, and entering the kernel; see uring.h. */
#include "common/parts/poller.h"
#include "common/parts/thread.h"
#include "uring.h"

#include <errno.h>

#define SUBMISSIONS 64
#define COMPLETIONS 256          /* of a kernel that works in portions: see uring_taken() */
#define COMPLETIONS_MANY 1024    /* of others; what does not fit they keep, at a price */
#define FEAT_PORTIONS (1U << 16) /* IORING_FEAT_RW_ATTR: came with them, in Linux 6.14 */

/* What the ring must be able to do besides. */
#define FEATURES (IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP)

/* How completions come about, best first. Without the flag that tells of pending work (Linux 5.19)
 * nobody could say that there is none. */
static const unsigned kinds[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG, /* 6.1 */
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static int make_with(struct io_uring *ring, struct io_uring_params *params, unsigned completions)
{
    unsigned kind = params->flags;
    *params = (struct io_uring_params){0};
    params->flags = kind;
    params->cq_entries = completions;
    return io_uring_queue_init_params(SUBMISSIONS, ring, params);
}

/* Of the kind that [params] tells, no larger than it has to be. */
static int make_kind(struct io_uring *ring, struct io_uring_params *params)
{
    int rc = make_with(ring, params, COMPLETIONS);
    if (rc != 0 || (params->features & FEAT_PORTIONS) != 0)
        return rc;
    io_uring_queue_exit(ring);
    return make_with(ring, params, COMPLETIONS_MANY);
}

static int make(struct uring *uring)
{
    int rc = -EINVAL;
    for (int i = 0; i < KINDS && rc == -EINVAL; i++) {
        struct io_uring_params params = {0};
        params.flags =
            kinds[i] | IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
        rc = make_kind(&uring->ring, &params);
        if (rc == 0 && (params.features & FEATURES) != FEATURES) {
            io_uring_queue_exit(&uring->ring);
            rc = -EINVAL;
        }
        uring->portion = (params.features & FEAT_PORTIONS) != 0 ? params.cq_entries / 4 : 0;
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
    int rc = make(uring);
    if (rc != 0)
        return rc;
    uring->kept = 0;
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
    return uring_is_pending(uring) || uring_has_completions(uring);
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
    if (timeout_ns == 0 && uring->kept > 0) {
        rc = io_uring_submit_and_wait(&uring->ring, uring->kept); /* they are there */
    } else if (timeout_ns == 0) {
        rc = io_uring_submit_and_get_events(&uring->ring);
    } else {
        io_uring_cq_advance(&uring->ring, uring->kept);
        uring->kept = 0;
        struct __kernel_timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
        struct io_uring_cqe *cqe;
        rc = io_uring_submit_and_wait_timeout(
            &uring->ring, &cqe, 1, timeout_ns < 0 ? NULL : &timeout, NULL);
    }
    if (rc == -EBADR)
        uring->lost = true;
    return rc < 0 ? rc : 0;
}
