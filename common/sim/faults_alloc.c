/* SPDX-License-Identifier: MIT */
/*
 * The allocator, made to fail by tests: see faults.h.
 *
 * dlsym would be too late here, as allocations begin before the program does. A sanitizer exports
 * its own functions under a second name, and so does glibc; the weak one of the two that is there
 * is the real one. Nothing here is instrumented, for the same reason.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "faults.h"

#define WEAK __attribute__((weak))
extern void *__libc_malloc(size_t size) WEAK;
extern void *__libc_calloc(size_t count, size_t size) WEAK;
extern void *__libc_realloc(void *old, size_t size) WEAK;
extern void *__libc_memalign(size_t alignment, size_t size) WEAK;
extern void *__interceptor_malloc(size_t size) WEAK;
extern void *__interceptor_calloc(size_t count, size_t size) WEAK;
extern void *__interceptor_realloc(void *old, size_t size) WEAK;
extern void *__interceptor_memalign(size_t alignment, size_t size) WEAK;

#define RAW __attribute__((no_sanitize("thread", "address", "undefined")))
#define SEEN RAW __attribute__((visibility("default")))

RAW static int refused(void)
{
    int error = sim_enter(SIM_ALLOC);
    if (error != 0)
        errno = error;
    return error;
}

SEEN void *malloc(size_t size)
{
    if (refused() != 0)
        return NULL;
    return __interceptor_malloc != NULL ? __interceptor_malloc(size) : __libc_malloc(size);
}

SEEN void *calloc(size_t count, size_t size)
{
    if (refused() != 0)
        return NULL;
    return __interceptor_calloc != NULL ? __interceptor_calloc(count, size)
                                        : __libc_calloc(count, size);
}

SEEN void *realloc(void *old, size_t size)
{
    if (refused() != 0)
        return NULL;
    return __interceptor_realloc != NULL ? __interceptor_realloc(old, size)
                                         : __libc_realloc(old, size);
}

SEEN void *aligned_alloc(size_t alignment, size_t size)
{
    if (refused() != 0)
        return NULL;
    return __interceptor_memalign != NULL ? __interceptor_memalign(alignment, size)
                                          : __libc_memalign(alignment, size);
}

SEEN int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *memory = aligned_alloc(alignment, size);
    if (memory == NULL)
        return ENOMEM;
    *out = memory;
    return 0;
}
