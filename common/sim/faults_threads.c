/* SPDX-License-Identifier: MIT */
/*
 * What a thread is made of, made to fail by tests: see faults.h. These return their error and leave
 * errno alone. dlsym finds the version of pthread_cond_init that programs are linked with.
 */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>

/* As in faults.c. */
#define NEXT(name_)                                                                                \
    __typeof__(name_) *next;                                                                       \
    *(void **)&next = dlsym(RTLD_NEXT, #name_);

#define SEEN __attribute__((visibility("default")))

SEEN int
pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*begin)(void *), void *arg)
{
    NEXT(pthread_create)
    int error = sim_enter(SIM_THREAD);
    return error != 0 ? error : next(thread, attr, begin, arg);
}

SEEN int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
{
    NEXT(pthread_mutex_init)
    int error = sim_enter(SIM_LOCK);
    return error != 0 ? error : next(mutex, attr);
}

SEEN int pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attr)
{
    NEXT(pthread_cond_init)
    int error = sim_enter(SIM_LOCK);
    return error != 0 ? error : next(cond, attr);
}

/* libc has this one for static linking only; what it calls is exported. */
extern int
__register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *object);
extern void *__dso_handle;

SEEN int pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    int error = sim_enter(SIM_ATFORK);
    return error != 0 ? error : __register_atfork(prepare, parent, child, &__dso_handle);
}

SEEN int sched_getaffinity(pid_t thread, size_t size, cpu_set_t *set)
{
    NEXT(sched_getaffinity)
    int error = sim_enter(SIM_AFFINITY);
    if (error == 0)
        return next(thread, size, set);
    errno = error;
    return -1;
}
