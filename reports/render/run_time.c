/* SPDX-License-Identifier: MIT */
/*
 * run_time.c - when a run began and ended, what of it was measured, and how often it rested.
 */
#include "fields.h"
#include "run_store.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

double run_dir_time(const char *text)
{
    struct tm utc = {0};
    double second;
    char zone;
    if (sscanf(text,
               "%4d-%2d-%2dT%2d:%2d:%lf%c",
               &utc.tm_year,
               &utc.tm_mon,
               &utc.tm_mday,
               &utc.tm_hour,
               &utc.tm_min,
               &second,
               &zone) != 7 ||
        zone != 'Z')
        return NAN;
    utc.tm_year -= 1900;
    utc.tm_mon -= 1;
    return (double)timegm(&utc) + second;
}

static void keep_time(struct run_dir *dir, const json_t *event, const char *type)
{
    const char *text = field_text(event, "t");
    const double now = run_dir_time(text);
    const double wall_ms = field_number(event, "wall_ms");
    const double gap = now - dir->store->last_time;
    if (dir->started[0] == '\0')
        dir->started = text;
    dir->ended = text;
    if (gap > 0 && strcmp(type, "resume") != 0)
        dir->seconds_total += gap;
    if (!isnan(now))
        dir->store->last_time = now;
    if (wall_ms > 0)
        dir->seconds_measured += wall_ms / 1e3;
    if (strcmp(type, "end") == 0)
        dir->end_reason = field_text(event, "reason");
    else if (strcmp(type, "resume") == 0)
        dir->end_reason = "";
}

/* A "resume" ends a pause, or tells of a start that goes on with the journal. */
static void count_rest(struct run_dir *dir, const json_t *event, const char *type)
{
    dir->pauses += strcmp(type, "pause") == 0;
    dir->resumes +=
        strcmp(type, "resume") == 0 && strcmp(field_text(event, "reason"), "pause") != 0;
}

void run_time_take(struct run_dir *dir, const json_t *event, const char *type)
{
    count_rest(dir, event, type);
    keep_time(dir, event, type);
}
