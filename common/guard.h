/* SPDX-License-Identifier: MIT */
/*
 * In debug builds: has a callback left by longjmp, or ended its thread (X2)? Both leave the loop in
 * the midst of a turn, with an owner that is not inside run any more.
 *
 * While a callback runs, its guard holds the address of a stack frame below which the callback is.
 * A call that is made inside it comes from further down; one that comes from further up, while the
 * guard is still set, shows that the frames between were jumped over. (Stacks grow downwards on all
 * systems that this library is for.) Release builds hold no guard and look at nothing.
 */
#ifndef VELO_GUARD_H
#define VELO_GUARD_H

#include <stddef.h>

#ifdef NDEBUG

struct guard {
    char unused; /* C has no empty struct */
};
#define GUARD_SET(guard) ((void)(guard))
#define GUARD_CLEAR(guard) ((void)(guard))
#define GUARD_CHECK(guard) ((void)(guard))
#define GUARD_THREAD_BEGIN(guard) ((void)(guard))
#define GUARD_THREAD_END() ((void)0)

#else

#include <pthread.h>

struct guard {
    const char *frame; /* owner: of the function that called the callback; NULL = none runs */
};

/* Say on stderr what was done wrong, and abort. */
_Noreturn void guard_fail(const char *how);
/* A cleanup handler of pthreads: the thread of a loop ends; is a callback running? */
void guard_thread_ends(void *guard);

#define GUARD_SET(guard) ((void)((guard)->frame = __builtin_frame_address(0)))
#define GUARD_CLEAR(guard) ((void)((guard)->frame = NULL))

/* On the owner's thread: is this call made inside the callback that should be running? */
#define GUARD_CHECK(guard)                                                                         \
    ((guard)->frame != NULL && (const char *)__builtin_frame_address(0) > (guard)->frame           \
         ? guard_fail("longjmp")                                                                   \
         : (void)0)

/* Around all that runs callbacks on this thread; a pair in one block. */
#define GUARD_THREAD_BEGIN(guard) pthread_cleanup_push(guard_thread_ends, guard)
#define GUARD_THREAD_END() pthread_cleanup_pop(0)

#endif

#endif
