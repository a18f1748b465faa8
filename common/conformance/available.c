/* SPDX-License-Identifier: MIT */
/*
 * Can this contestant run on this system at all? Asked in a child: the cases begin in a process
 * that has never made a loop.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner.h"

struct answer {
    int result;
    char reason[256];
};

static void note_reason(void *ctx, enum velo_log_level level, const char *event, const char *fields)
{
    struct answer *answer = ctx;
    (void)level;
    if (strcmp(event, "unavailable") == 0)
        snprintf(answer->reason, sizeof answer->reason, "%s", fields);
}

static struct answer ask(void)
{
    struct answer answer = {.result = 0};
    struct velo_options options = {.size = sizeof options, .on_log = note_reason, .ctx = &answer};
    struct velo_loop *loop = NULL;
    answer.result = velo_loop_create(&loop, &options);
    if (answer.result == 0)
        velo_loop_destroy(loop);
    return answer;
}

bool conf_is_available(char *reason, size_t size)
{
    int ends[2];
    struct answer answer = {.result = 0};
    if (pipe(ends) != 0)
        return true;
    pid_t child = fork();
    if (child == 0) {
        answer = ask();
        bool told = write(ends[1], &answer, sizeof answer) == (ssize_t)sizeof answer;
        conf_exit_now(told ? 0 : 1);
    }
    close(ends[1]);
    bool told = child > 0 && read(ends[0], &answer, sizeof answer) == (ssize_t)sizeof answer;
    close(ends[0]);
    if (child > 0)
        waitpid(child, NULL, 0);
    if (!told || answer.result != -ENOSYS)
        return true; /* or it cannot be made for a reason that the cases will meet */
    snprintf(reason,
             size,
             "cannot run here: %s",
             answer.reason[0] != '\0' ? answer.reason : velo_strerror(answer.result));
    return false;
}
