/* SPDX-License-Identifier: MIT */
/*
 * process.c - a whole program, timed from outside: start, some work, the end.
 *
 * It sees what no window inside a process can: loading, creating loops and their threads, the first
 * wake-up, the first descriptor and the first thread of a pool, the shutdown, giving memory back.
 * It verifies itself: program.h.
 */
#include "common/available.h"
#include "program.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TASKS_MAX UINT64_C(10000000)
#define EXIT_USAGE 2
#define EXIT_CANNOT_RUN 3

static const char help[] =
    "usage: process --tasks N [--loops N] [--with timer,fd,offload] [--check]\n"
    "\n"
    "  --tasks N   create an event loop, run it on a thread of its own, submit N tasks (0 to\n"
    "              10000000) and end it: by a graceful shutdown, or, after a single task, by an\n"
    "              immediate close. 0: create and destroy it, and nothing else\n"
    "  --loops N   so many of them at once (1 to 64)\n"
    "  --with LIST also fire a timer, serve a descriptor, have a job done by the pool\n"
    "  --check     only say whether this contestant can do that, here\n"
    "\n"
    "To be timed from outside, for example by hyperfine -N.\n"
    "\n"
    "Exit status: 0; 1 a task was lost, ran twice or out of order, or a call failed; 2 usage, or\n"
    "the contestant cannot do it; 3 this system lacks, or forbids, what it is built on.\n";

struct request {
    uint64_t tasks, loops;
    unsigned with;
    bool has_tasks, check;
};

static const struct {
    const char *word;
    unsigned bit;
    uint64_t capability;
} equipment[] = {
    {"timer", WITH_TIMER, VELO_CAP_TIMERS},
    {"fd", WITH_FD, VELO_CAP_FDS},
    {"offload", WITH_OFFLOAD, VELO_CAP_OFFLOAD},
};
#define EQUIPMENT_COUNT (sizeof equipment / sizeof equipment[0])

typedef int (*step_fn)(struct program *program);

/* One step for all loops; stops at the first failure. */
static int for_all(uint64_t loops, step_fn step)
{
    int status = EXIT_SUCCESS;
    for (uint64_t i = 0; i < loops && status == EXIT_SUCCESS; i++)
        status = step(&programs[i]);
    return status;
}

static int live(const struct request *request)
{
    static const step_fn whole[] = {
        program_create, program_start, program_end, program_verify, program_destroy, NULL};
    static const step_fn bare[] = {program_create, program_destroy, NULL};
    const step_fn *step = request->tasks > 0 ? whole : bare;
    for (uint64_t i = 0; i < request->loops; i++)
        programs[i] = (struct program){
            .index = i, .tasks = request->tasks, .with = request->tasks > 0 ? request->with : 0};
    int status = EXIT_SUCCESS;
    for (; *step != NULL && status == EXIT_SUCCESS; step++)
        status = for_all(request->loops, *step);
    return status;
}

static bool parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *out >= least &&
           *out <= most;
}

static bool parse_with(const char *text, unsigned *with)
{
    while (*text != '\0') {
        size_t length = strcspn(text, ","), i = 0;
        while (i < EQUIPMENT_COUNT && (strlen(equipment[i].word) != length ||
                                       strncmp(equipment[i].word, text, length) != 0))
            i++;
        if (i == EQUIPMENT_COUNT)
            return false;
        *with |= equipment[i].bit;
        text += length + (text[length] == ',');
    }
    return *with != 0;
}

/* One option. False after a message. */
static bool take(struct request *request, int option, const char *value)
{
    const char *allowed = NULL;
    switch (option) {
    case 't':
        request->has_tasks = true;
        if (!parse_number(value, 0, TASKS_MAX, &request->tasks))
            allowed = "--tasks: give a number from 0 to 10000000";
        break;
    case 'l':
        if (!parse_number(value, 1, PROGRAM_LOOPS_MAX, &request->loops))
            allowed = "--loops: give a number from 1 to 64";
        break;
    case 'w':
        if (!parse_with(value, &request->with))
            allowed = "--with: give a list of timer, fd, offload";
        break;
    default:
        request->check = true;
    }
    if (allowed != NULL)
        fprintf(stderr, "process: %s, not '%s'\n", allowed, value);
    return allowed == NULL;
}

static bool can_do(const struct request *request)
{
    for (size_t i = 0; i < EQUIPMENT_COUNT; i++)
        if (request->with & equipment[i].bit &&
            !(velo_impl()->capabilities & equipment[i].capability)) {
            fprintf(stderr,
                    "process: %s does not offer what --with %s needs\n",
                    velo_impl()->name,
                    equipment[i].word);
            return false;
        }
    return true;
}

/* Can a loop be made on this system at all? */
static int check_system(void)
{
    char reason[AVAILABLE_REASON_MAX];
    int rc = available_ask(reason);
    if (rc != 0)
        fprintf(stderr, "%s cannot run here: %s\n", velo_impl()->name, reason);
    return rc == 0 ? EXIT_SUCCESS : rc == -ENOSYS ? EXIT_CANNOT_RUN : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"tasks", required_argument, NULL, 't'},
        {"loops", required_argument, NULL, 'l'},
        {"with", required_argument, NULL, 'w'},
        {"check", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct request request = {.loops = 1};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'h')
            return fputs(help, stdout) < 0;
        if (c == '?' || !take(&request, c, optarg))
            return EXIT_USAGE;
    }
    if (optind < argc || !request.has_tasks) {
        fprintf(stderr,
                "process: --tasks N is missing, or something else is too much; try --help\n");
        return EXIT_USAGE;
    }
    if (!can_do(&request))
        return EXIT_USAGE;
    return request.check ? check_system() : live(&request);
}
