/* SPDX-License-Identifier: MIT */
/* launch.c - see launch.h. */
#include "launch.h"

#include "args.h"
#include "exit_code.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { BUDGET_MOST_S = 24 * 3600 };

bool launch_seed(const char *given, struct tournament_request *request)
{
    request->seed_given = given != NULL;
    if (given != NULL)
        return args_number("seed", given, 0, UINT64_MAX, &request->seed);
    if (getrandom(&request->seed, sizeof(request->seed), 0) != (ssize_t)sizeof(request->seed)) {
        say_error("no random number from the kernel: %s; give one with --seed", strerror(errno));
        return false;
    }
    request->seed >>= 11;
    return true;
}

bool launch_budget(const char *given, unsigned *budget_s)
{
    uint64_t seconds = 0;
    if (given != NULL &&
        !args_seconds("budget", given, LAUNCH_BUDGET_LEAST_S, BUDGET_MOST_S, &seconds))
        return false;
    *budget_s = (unsigned)seconds;
    return true;
}

static void free_request(struct tournament_request *request)
{
    names_free(&request->only);
    names_free(&request->filter);
    names_free(&request->extra);
    names_free(&request->force);
}

int launch_tournament(struct tournament_request *request, const char *resume, const char *out)
{
    struct project project;
    if (project_open(&project) != 0) {
        free_request(request);
        return EXIT_INTERNAL;
    }
    char *folder = out != NULL ? project_user_path(&project, out) : NULL;
    request->out = folder;
    char *weights = request->weights != NULL ? project_user_path(&project, request->weights) : NULL;
    request->weights = weights;
    int status = resume != NULL ? tournament_resume(&project, resume, request)
                                : tournament_run(&project, request);
    free(folder);
    free(weights);
    project_close(&project);
    free_request(request);
    return status;
}
