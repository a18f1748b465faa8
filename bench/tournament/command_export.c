/* SPDX-License-Identifier: MIT */
/* command_export.c - `velo export RUN`: the rows of a run for other programs. */
#include "../../reports/history/export.h"
#include "args.h"
#include "commands.h"
#include "exit_code.h"
#include "names.h"
#include "project.h"
#include "run_folder.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct wish {
    const char *format;
    const char *entry; /* NULL = all */
    const char *out;   /* NULL = stdout */
    bool all, split;
};

static int write_rows(const struct record *record, const struct wish *wish, FILE *file)
{
    return strcmp(wish->format, "csv") == 0 ? export_csv(record, wish->all, file)
                                            : export_benchstat(record, wish->entry, file);
}

static int complain(const char *path, int failure)
{
    say_error("export: cannot write %s: %s", path, strerror(failure));
    return EXIT_INTERNAL;
}

static int write_file(const struct record *record, const struct wish *wish, const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return complain(path, errno);
    int rc = write_rows(record, wish, file);
    int failure = ferror(file) != 0 ? EIO : -rc;
    if (fclose(file) != 0 && failure == 0)
        failure = errno;
    return failure == 0 ? EXIT_DECIDED : complain(path, failure);
}

/* One file per entry: what `benchstat a.txt b.txt` wants. */
static int write_split(const struct record *record, struct wish *wish, const char *dir)
{
    int status = EXIT_DECIDED;
    if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        return complain(dir, errno);
    for (size_t e = 0; status == EXIT_DECIDED && e < record->dir.entry_count; e++) {
        wish->entry = record->dir.entries[e].name;
        char *path = text_format("%s/%s.txt", dir, wish->entry);
        status = write_file(record, wish, path);
        printf("%s\n", path);
        free(path);
    }
    return status;
}

static int write_out(const struct record *record, struct wish *wish, const struct project *project)
{
    if (wish->out == NULL) {
        int rc = write_rows(record, wish, stdout);
        if (fflush(stdout) != 0 || ferror(stdout) != 0)
            return complain("stdout", errno != 0 ? errno : EIO);
        return rc == 0 ? EXIT_DECIDED : complain("stdout", -rc);
    }
    char *path = project_user_path(project, wish->out);
    int status = wish->split ? write_split(record, wish, path) : write_file(record, wish, path);
    free(path);
    return status;
}

static int export_named(const struct project *project, const char *run, struct wish *wish)
{
    struct run_folder folder;
    struct record record;
    char why[1024];
    if (run_folder_find(&folder, project, run) != 0)
        return EXIT_USAGE;
    int rc = record_open(folder.path, &record, why, sizeof(why));
    run_folder_free(&folder);
    if (rc != 0) {
        say_error("%s", why);
        return EXIT_INTERNAL;
    }
    int status = write_out(&record, wish, project);
    record_close(&record);
    return status;
}

static bool check(const struct wish *wish)
{
    const bool csv = strcmp(wish->format, "csv") == 0;
    if (!csv && strcmp(wish->format, "benchstat") != 0) {
        struct names known = {0};
        names_add(&known, "csv");
        names_add(&known, "benchstat");
        names_complain(&known, "format", wish->format);
        names_free(&known);
        return false;
    }
    if (wish->split && (csv || wish->out == NULL)) {
        say_error("export: --split makes a file per contestant for benchstat: it needs --format "
                  "benchstat and --out DIR");
        return false;
    }
    if (wish->all && !csv) {
        say_error("export: --all is for csv, which marks the runs that do not count; benchstat "
                  "could not tell them apart");
        return false;
    }
    return true;
}

int command_export(int argc, char **argv)
{
    struct wish wish = {.format = "csv"};
    const char *run = NULL;
    const struct args_option options[] = {
        {"format", "NAME", "csv (default) or benchstat", &wish.format, NULL},
        {"out", "PATH", "into this file; otherwise to stdout", &wish.out, NULL},
        {"split",
         NULL,
         "benchstat: PATH is a folder, with a file per contestant",
         NULL,
         &wish.split},
        {"all", NULL, "csv: also the attempts that do not count", NULL, &wish.all},
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "export",
        .summary = "the rows of a run for other programs",
        .options = options,
        .operand = "RUN",
        .operand_text = &run,
        .notes = "csv: one row per run and number, sorted by lane, scenario, point, entry, block,\n"
                 "attempt, metric. benchstat: one line per run in the format of Go benchmarks:\n"
                 "  velo export --format benchstat --out all.txt && benchstat -col impl all.txt\n"
                 "RUN is an id below reports/runs or a folder; otherwise reports/latest.\n",
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    if (parsed != ARGS_GO)
        return parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    if (!check(&wish))
        return EXIT_USAGE;
    struct project project;
    if (project_open(&project) != 0)
        return EXIT_INTERNAL;
    int status = export_named(&project, run, &wish);
    project_close(&project);
    return status;
}
