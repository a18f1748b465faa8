/* SPDX-License-Identifier: MIT */
/*
 * verdict_late.c - whose runs failed by time alone, and how often: an accident of the machine, or a
 * fault that shows now and then. Who was so too often is disqualified; this tells of the others.
 */
#include "verdict_parts.h"

json_t *verdict_late(const struct run_dir *dir)
{
    json_t *late = json_object();
    for (size_t i = 0; i < dir->run_count; i++) {
        const struct run_dir_run *run = &dir->runs[i];
        const char *name = dir->entries[run->entry].name;
        const json_int_t before = json_integer_value(json_object_get(late, name));
        if (run_dir_is_late(run->status))
            json_object_set_new(late, name, json_integer(before + 1));
    }
    return late;
}

size_t verdict_late_runs(const struct run_dir *dir)
{
    size_t count = 0;
    for (size_t i = 0; i < dir->run_count; i++)
        count += run_dir_is_late(dir->runs[i].status) ? 1 : 0;
    return count;
}
