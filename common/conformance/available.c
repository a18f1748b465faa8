/* SPDX-License-Identifier: MIT */
/*
 * Can this contestant run on this system at all? Asked in a child: the cases begin in a process
 * that has never made a loop.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../available.h"
#include "runner.h"

struct answer {
    int result;
    char reason[AVAILABLE_REASON_MAX];
};

bool conf_is_available(char *reason, size_t size)
{
    int ends[2];
    struct answer answer = {.result = 0};
    if (pipe(ends) != 0)
        return true;
    pid_t child = fork();
    if (child == 0) {
        answer.result = available_ask(answer.reason);
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
    snprintf(reason, size, "cannot run here: %s", answer.reason);
    return false;
}
