/* SPDX-License-Identifier: MIT */
/*
 * Included by the compiler (-include) before every source of the library when it is built for the
 * scheduler: V=sched. The sources stay as they are shipped; here every atomic operation and every
 * call that another thread could notice becomes a point of the scheduler with its place.
 *
 * The headers come first, so that the macros below do not meet their declarations.
 */
#ifndef VELO_SCHED_SEAMS_H
#define VELO_SCHED_SEAMS_H

#include "common/sched/sched.h"
#include "common/sched/seams_calls.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- atomics ---- */

/* The type of *object without its qualifiers, as <stdatomic.h> finds it. */
#define SCHED_VALUE(object) __typeof__((void)0, *(object))
/* without the qualifiers of what it points to */
#define SCHED_ADDRESS(object) ((void *)(uintptr_t)(object))
#define SCHED_STEP() (sched_at(SCHED_HERE), sched_point())
#define SCHED_LOCKED(object) (SCHED_STEP(), sched_fence(SCHED_ADDRESS(object)))

#undef atomic_load_explicit
#define atomic_load_explicit(object_, order_)                                                      \
    __extension__({                                                                                \
        __auto_type sched_object = (object_);                                                      \
        SCHED_VALUE(sched_object) sched_value;                                                     \
        SCHED_STEP();                                                                              \
        sched_load(SCHED_ADDRESS(sched_object), &sched_value, (unsigned)sizeof(sched_value));      \
        sched_value;                                                                               \
    })

#undef atomic_store_explicit
#define atomic_store_explicit(object_, value_, order_)                                             \
    __extension__({                                                                                \
        __auto_type sched_object = (object_);                                                      \
        SCHED_VALUE(sched_object) sched_value = (value_);                                          \
        SCHED_STEP();                                                                              \
        sched_store(                                                                               \
            SCHED_ADDRESS(sched_object), &sched_value, (unsigned)sizeof(sched_value), order_);     \
    })

#undef atomic_exchange_explicit
#define atomic_exchange_explicit(object_, value_, order_)                                          \
    __extension__({                                                                                \
        __auto_type sched_object = (object_);                                                      \
        SCHED_VALUE(sched_object) sched_value = (value_), sched_old;                               \
        SCHED_LOCKED(sched_object);                                                                \
        __atomic_exchange(sched_object, &sched_value, &sched_old, order_);                         \
        sched_old;                                                                                 \
    })

#define SCHED_COMPARE_EXCHANGE(object_, expected_, value_, success_, failure_)                     \
    __extension__({                                                                                \
        __auto_type sched_object = (object_);                                                      \
        SCHED_VALUE(sched_object) sched_value = (value_);                                          \
        SCHED_LOCKED(sched_object);                                                                \
        __atomic_compare_exchange(sched_object, (expected_), &sched_value, 0, success_, failure_); \
    })
#undef atomic_compare_exchange_strong_explicit
#define atomic_compare_exchange_strong_explicit SCHED_COMPARE_EXCHANGE
#undef atomic_compare_exchange_weak_explicit
#define atomic_compare_exchange_weak_explicit SCHED_COMPARE_EXCHANGE

#define SCHED_FETCH(operation_, object_, value_, order_)                                           \
    __extension__({                                                                                \
        __auto_type sched_object = (object_);                                                      \
        SCHED_LOCKED(sched_object);                                                                \
        operation_(sched_object, (value_), order_);                                                \
    })
#undef atomic_fetch_add_explicit
#define atomic_fetch_add_explicit(o, v, m) SCHED_FETCH(__atomic_fetch_add, o, v, m)
#undef atomic_fetch_sub_explicit
#define atomic_fetch_sub_explicit(o, v, m) SCHED_FETCH(__atomic_fetch_sub, o, v, m)
#undef atomic_fetch_or_explicit
#define atomic_fetch_or_explicit(o, v, m) SCHED_FETCH(__atomic_fetch_or, o, v, m)
#undef atomic_fetch_and_explicit
#define atomic_fetch_and_explicit(o, v, m) SCHED_FETCH(__atomic_fetch_and, o, v, m)
#undef atomic_fetch_xor_explicit
#define atomic_fetch_xor_explicit(o, v, m) SCHED_FETCH(__atomic_fetch_xor, o, v, m)

#undef atomic_thread_fence
#define atomic_thread_fence(order_) SCHED_LOCKED(NULL)

/* ---- calls ---- */

#define pthread_mutex_lock(mutex) (SCHED_STEP(), seam_mutex_lock(mutex))
#define pthread_mutex_trylock(mutex) (SCHED_STEP(), seam_mutex_trylock(mutex))
#define pthread_mutex_unlock(mutex) (SCHED_STEP(), seam_mutex_unlock(mutex))
#define pthread_cond_wait(cond, mutex) (SCHED_STEP(), seam_cond_wait((cond), (mutex), NULL))
#define pthread_cond_timedwait(cond, mutex, until)                                                 \
    (SCHED_STEP(), seam_cond_wait((cond), (mutex), (until)))
#define pthread_cond_signal(cond) (SCHED_STEP(), seam_cond_wake((cond), 1))
#define pthread_cond_broadcast(cond) (SCHED_STEP(), seam_cond_wake((cond), UINT32_MAX))
#define pthread_create(thread, attr, fn, arg)                                                      \
    ((void)(attr), SCHED_STEP(), seam_thread_create((thread), (fn), (arg)))
#define pthread_join(thread, result) (SCHED_STEP(), seam_thread_join((thread), (result)))
#define sched_yield() (sched_at(SCHED_HERE), seam_yield())
#define sched_getcpu() sched_self()
#define sched_getaffinity(pid, size, set) ((void)(pid), (void)(size), seam_getaffinity(set))
#define syscall(...) (SCHED_STEP(), seam_syscall(__VA_ARGS__))
#define write(fd, bytes, count) (SCHED_STEP(), seam_write((fd), (bytes), (count)))
#define read(fd, bytes, count) (SCHED_STEP(), seam_read((fd), (bytes), (count)))
#define epoll_ctl(epfd, op, fd, event) (SCHED_STEP(), seam_epoll_ctl((epfd), (op), (fd), (event)))
#define close(fd) (SCHED_STEP(), seam_close(fd))
#define free(memory) sched_free(memory)

/* ---- headers of the library that are replaced ---- */

#define VELO_PARTS_THREAD_H
static inline const void *thread_self(void)
{
    return sched_self_address();
}

#define VELO_PARTS_PAUSE_H
#define cpu_pause() SCHED_STEP() /* a waiting loop is made to pass when it gets long: fibers.c */

#endif
