/* SPDX-License-Identifier: MIT */
/* lost-wake.c - a contestant one of whose wake-ups never reaches the eventfd; see faulty.h. */
#include "faulty.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

ssize_t __real_write(int fd, const void *bytes, size_t count);
ssize_t __wrap_write(int fd, const void *bytes, size_t count);

/* A wake-up is the number 1 in eight bytes. */
ssize_t __wrap_write(int fd, const void *bytes, size_t count)
{
    if (count == sizeof(uint64_t) && *(const uint64_t *)bytes == 1 && faulty_now())
        return (ssize_t)count;
    return __real_write(fd, bytes, count);
}
