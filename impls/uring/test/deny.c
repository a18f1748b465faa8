/* SPDX-License-Identifier: MIT */
/*
 * deny ERRNO PROGRAM [ARG...]: run a program that may not use io_uring, as in most containers. The
 * filter stays on whatever the program starts.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static const char *const calls[] = {"io_uring_setup", "io_uring_enter", "io_uring_register"};
    int error = argc > 2 ? atoi(argv[1]) : 0;
    if (error <= 0) {
        fputs("usage: deny ERRNO PROGRAM [ARG...]\n", stderr);
        return 2;
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int rc = filter == NULL ? -ENOMEM : 0;
    for (size_t i = 0; rc == 0 && i < sizeof calls / sizeof calls[0]; i++)
        rc = seccomp_rule_add(
            filter, SCMP_ACT_ERRNO((unsigned)error), seccomp_syscall_resolve_name(calls[i]), 0);
    if (rc == 0)
        rc = seccomp_load(filter);
    if (rc == 0) {
        execv(argv[2], argv + 2);
        rc = -errno;
    }
    fprintf(stderr, "deny: %s\n", strerror(-rc));
    return 1;
}
