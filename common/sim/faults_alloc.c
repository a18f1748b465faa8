/* SPDX-License-Identifier: MIT */
/*
 * The allocator, made to fail by tests: see faults.h.
 *
 * dlsym would be too late here, as allocations begin before the program does. A sanitizer exports
 * its own functions under a second name, and so does glibc; the weak one of the two that is there
 * is the real one. Nothing here is instrumented, for the same reason.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

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
extern void *
__interceptor_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset) WEAK;
extern int __interceptor_munmap(void *at, size_t size) WEAK;

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

/* ---- memory from the kernel, as far as the program itself asks for it ---- */

static _Atomic size_t mapped;

size_t sim_mapped_bytes(void)
{
    return atomic_load(&mapped);
}

SEEN void *mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
    void *memory = MAP_FAILED;
    if ((flags & MAP_ANONYMOUS) != 0 && refused() != 0)
        return memory;
    if (__interceptor_mmap != NULL)
        memory = __interceptor_mmap(at, size, prot, flags, fd, offset);
    else
        memory = (void *)syscall(
            SYS_mmap, at, size, (long)prot, (long)flags, (long)fd, offset); // NOLINT
    if (memory != MAP_FAILED)
        atomic_fetch_add(&mapped, size);
    return memory;
}

SEEN int munmap(void *at, size_t size)
{
    int rc = 0;
    if (__interceptor_munmap != NULL)
        rc = __interceptor_munmap(at, size);
    else
        rc = (int)syscall(SYS_munmap, at, size);
    if (rc == 0)
        atomic_fetch_sub(&mapped, size);
    return rc;
}
