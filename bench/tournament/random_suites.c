/* SPDX-License-Identifier: MIT */
/* random_suites.c - one run of the suite's --random for each contestant and mode. */
#include "random_suites.h"

#include "exit_code.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Its exit status; -1 after a message. It shares our terminal, and so Ctrl-C ends it, too. */
static int run_program(char *const *argv)
{
    pid_t child;
    int status;
    fflush(NULL);
    int error = posix_spawn(&child, argv[0], NULL, NULL, argv, environ);
    if (error != 0) {
        say_error("%s: %s", argv[0], strerror(error));
        return -1;
    }
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run_mode(char *program, char *mode, uint64_t count, uint64_t seed)
{
    char *programs = text_format("%" PRIu64, count);
    char *first = text_format("%" PRIu64, seed);
    char *argv[] = {program, "--random", programs, "--seed", first, "--mode", mode, NULL};
    int status = run_program(argv);
    free(programs);
    free(first);
    return status;
}

int random_suites_run(const struct registry *registry,
                      const struct names *wanted,
                      uint64_t count,
                      uint64_t seed)
{
    char *modes[] = {"auto", "forced", "disabled"};
    int failed = 0, ran = 0;
    for (size_t i = 0; i < wanted->count; i++) {
        const struct contestant *contestant = registry_find(registry, wanted->items[i]);
        char *program = contestant_program(contestant, "conformance");
        if (program == NULL) {
            say_error("%s has no conformance program", contestant->name);
            return EXIT_INTERNAL;
        }
        for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++, ran++)
            failed += run_mode(program, modes[m], count, seed) != 0;
        free(program);
    }
    printf("%s: random programs, %" PRIu64 " for each contestant and mode, seed %" PRIu64
           ", %d of %d runs failed\n",
           failed == 0 ? "PASSED" : "FAILED",
           count,
           seed,
           failed,
           ran);
    return failed == 0 ? EXIT_DECIDED : EXIT_DISQUALIFIED;
}
