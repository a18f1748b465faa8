/* SPDX-License-Identifier: MIT */
/* command_verify.c - `velo verify`: a run recomputed from its raw lines. */
#include "args.h"
#include "commands.h"
#include "exit_code.h"
#include "project.h"
#include "run_folder.h"
#include "verify.h"

int command_verify(int argc, char **argv)
{
    const char *run = NULL;
    bool no_pages = false;
    const struct args_option options[] = {
        {"no-pages", NULL, "leave out the report, which takes most of the time", NULL, &no_pages},
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "verify",
        .summary = "recompute a run from its plan and raw lines, and compare all that it says",
        .options = options,
        .operand = "RUN",
        .operand_text = &run,
        .notes = "RUN is an id below reports/runs, a folder, or latest; otherwise reports/latest.\n"
                 "Needs the folder alone, no programs. Exit status: 0 all agrees, 5 something "
                 "differs\n(the first differences are shown: file, line, key, both values), 2 "
                 "usage.\n",
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    if (parsed != ARGS_GO)
        return parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    struct project project;
    struct run_folder folder;
    if (project_open(&project) != 0)
        return EXIT_INTERNAL;
    int status = EXIT_USAGE;
    if (run_folder_find(&folder, &project, run) == 0) {
        status = verify_run(folder.path, !no_pages);
        run_folder_free(&folder);
    }
    project_close(&project);
    return status;
}
