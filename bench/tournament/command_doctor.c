/* SPDX-License-Identifier: MIT */
/* command_doctor.c - `velo doctor`: all findings, the noise of this hour, and what both cost. */
#include "args.h"
#include "commands.h"
#include "doctor.h"
#include "doctor_probe.h"
#include "exit_code.h"
#include "lock.h"
#include "project.h"
#include "run_folder.h"
#include "screen.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
    const char *word, *colour;
} looks[] = {{"ok", "\033[32m"}, {"?", "\033[2m"}, {"WARN", "\033[33m"}, {"REFUSE", "\033[1;31m"}};

static void print_part(const struct screen *screen, const char *label, const char *text)
{
    enum { INDENT = 22 };
    if (text[0] == '\0')
        return;
    char *line = text_format("%*s%s%s", INDENT, "", label, text);
    screen_wrap(screen, line, INDENT);
    free(line);
}

static void print_finding(const struct screen *screen, const struct doctor_finding *finding)
{
    enum { INDENT = 22 };
    fprintf(screen->file,
            "%s%-8s%-14s",
            screen->colour ? looks[finding->state].colour : "",
            looks[finding->state].word,
            finding->name);
    screen_wrap_from(screen, INDENT, finding->seen, INDENT);
    fputs(screen->colour ? "\033[0m" : "", screen->file);
    print_part(screen, "costs: ", finding->cost);
    print_part(screen, "do: ", finding->advice);
}

static void print_probe(const struct screen *screen, const struct doctor_probe *probe)
{
    char *line;
    unsigned blocks;
    double gap = 100 * doctor_usual_gap(probe->spread, &blocks);
    if (probe->why_not != NULL)
        line = text_format("now: no look at the noise: %s", probe->why_not);
    else
        line = text_format("now: adjacent runs of %s differ by %.1f %% (%zu pairs): %u blocks of "
                           "that would see gaps of %.0f %% and more",
                           probe->what,
                           100 * expm1(probe->spread),
                           probe->pairs,
                           blocks,
                           gap);
    screen_wrap(screen, line, 5);
    free(line);
}

/* What is wrong comes last, where the eye is. */
static void print_all(const struct doctor *doctor, const struct doctor_probe *probe)
{
    struct screen screen = {.file = stdout,
                            .columns = text_columns(STDOUT_FILENO),
                            .colour = text_is_fancy(STDOUT_FILENO)};
    for (int state = DOCTOR_OK; state <= DOCTOR_REFUSE; state++)
        for (size_t i = 0; i < doctor->count; i++)
            if ((int)doctor->findings[i].state == state)
                print_finding(&screen, &doctor->findings[i]);
    putchar('\n');
    print_probe(&screen, probe);
    printf("%zu ok, %zu cannot be seen, %zu to be warned of, %zu refused\n",
           doctor_count(doctor, DOCTOR_OK),
           doctor_count(doctor, DOCTOR_UNKNOWN),
           doctor_count(doctor, DOCTOR_WARN),
           doctor_count(doctor, DOCTOR_REFUSE));
    if (doctor_count(doctor, DOCTOR_REFUSE) > 0)
        printf(
            "A tournament will not start; --force NAME overrides, and its report will say so.\n");
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static void print_json(const struct doctor *doctor, const struct doctor_probe *probe)
{
    unsigned blocks;
    double gap = doctor_usual_gap(probe->spread, &blocks);
    json_t *root = json_pack("{s:i, s:o, s:{s:s, s:s, s:i, s:o, s:o, s:i}}",
                             "schema",
                             1,
                             "findings",
                             doctor_json(doctor),
                             "probe",
                             "what",
                             probe->what != NULL ? probe->what : "",
                             "why_not",
                             probe->why_not != NULL ? probe->why_not : "",
                             "pairs",
                             (int)probe->pairs,
                             "spread",
                             number(probe->spread),
                             "smallest_visible_gap",
                             number(gap),
                             "blocks",
                             (int)blocks);
    json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(root);
}

/* The probe holds the lock, so that no tournament starts into it, and does not disturb one. */
static void
look_at_noise(struct doctor_probe *probe, const struct registry *registry, bool quick, bool locked)
{
    int lock = -1;
    if (!quick && !locked)
        lock = lock_take("velo doctor, done in seconds");
    if (lock >= 0) {
        doctor_probe_run(probe, registry);
        close(lock);
    } else {
        *probe = (struct doctor_probe){
            .spread = NAN, .why_not = text_copy(quick ? "--quick" : "another tournament runs")};
    }
}

static int examine(const struct project *project, bool quick, bool as_json)
{
    struct registry registry;
    struct doctor_source source;
    struct doctor doctor;
    struct doctor_probe probe;
    if (registry_load(&registry, project, NULL) != 0)
        return EXIT_INTERNAL;
    doctor_source_open(&source, proc_root());
    struct doctor_input input = {
        .source = &source, .registry = &registry, .build = project->build, .runs = RUN_FOLDER_BASE};
    doctor_examine(&doctor, &input);
    doctor_add_costs(&doctor, RUN_FOLDER_BASE);
    look_at_noise(&probe, &registry, quick, doctor.findings[0].state == DOCTOR_REFUSE);
    if (as_json)
        print_json(&doctor, &probe);
    else
        print_all(&doctor, &probe);
    int status = doctor_count(&doctor, DOCTOR_REFUSE) > 0 ? EXIT_INTERNAL : EXIT_DECIDED;
    doctor_probe_free(&probe);
    doctor_free(&doctor);
    doctor_source_close(&source);
    registry_free(&registry);
    return status;
}

int command_doctor(int argc, char **argv)
{
    bool quick = false, as_json = false;
    const struct args_option options[] = {
        {"quick",
         NULL,
         "leave out the runs that look at the noise (about six seconds)",
         NULL,
         &quick},
        {"json", NULL, "print JSON", NULL, &as_json},
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "doctor",
        .summary = "what is wrong with this machine and this build for measuring",
        .options = options,
        .notes = "Every tournament asks the quick form first. It changes nothing.\n"
                 "Exit status: 0, also with warnings; 1 when a tournament would be refused.\n",
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    if (parsed != ARGS_GO)
        return parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    struct project project;
    if (project_open(&project) != 0)
        return EXIT_INTERNAL;
    int status = examine(&project, quick, as_json);
    project_close(&project);
    return status;
}
