/* SPDX-License-Identifier: MIT */
/* doctor_source.c - see doctor_source.h. */
#include "doctor_source.h"

#include "clock.h"
#include "text.h"

#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { BETWEEN_LOOKS_MS = 1000, CLOCK_READS = 2000 };

/* ---- single files ---- */

char *doctor_file(const struct doctor_source *source, const char *path)
{
    return proc_file(source->root, path);
}

char *doctor_line(const struct doctor_source *source, const char *path)
{
    char *text = doctor_file(source, path);
    if (text != NULL)
        text[strcspn(text, "\n")] = '\0';
    return text;
}

static char *value_in(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = text; line != NULL && *line != '\0';) {
        const char *after = line + length;
        if (strncmp(line, key, length) == 0 && after[strspn(after, " \t")] == ':') {
            after += strspn(after, " \t") + 1;
            after += strspn(after, " \t");
            return text_format("%.*s", (int)strcspn(after, "\n"), after);
        }
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    return NULL;
}

char *doctor_value(const struct doctor_source *source, const char *path, const char *key)
{
    char *text = doctor_file(source, path);
    char *value = text != NULL ? value_in(text, key) : NULL;
    free(text);
    return value;
}

size_t doctor_cpu_list(const char *text, int *cpus, size_t room)
{
    size_t count = 0;
    while (*text != '\0') {
        char *end;
        long from = strtol(text, &end, 10);
        if (end == text)
            break;
        long to = from;
        if (*end == '-')
            to = strtol(end + 1, &end, 10);
        for (long cpu = from; cpu <= to; cpu++, count++)
            if (count < room)
                cpus[count] = (int)cpu;
        text = *end == ',' ? end + 1 : end;
    }
    return count;
}

/* ---- one look ---- */

static unsigned long long vmstat_count(const char *text, const char *key)
{
    const char *found = strstr(text, key);
    return found != NULL ? strtoull(found + strlen(key), NULL, 10) : 0;
}

static void look_at_swap(const char *root, struct doctor_look *look)
{
    char *text = proc_file(root, "/proc/vmstat");
    if (text != NULL)
        look->swapped = vmstat_count(text, "\npswpin ") + vmstat_count(text, "\npswpout ");
    free(text);
}

/* "pid (name, which may hold anything) state ppid ... utime stime": fields 4, 14 and 15. */
static bool parse_process(const char *text, struct doctor_process *process)
{
    const char *open = strchr(text, '('), *close = strrchr(text, ')');
    unsigned long long user, system;
    int parent;
    if (open == NULL || close == NULL ||
        sscanf(close + 1,
               " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
               &parent,
               &user,
               &system) != 3)
        return false;
    *process = (struct doctor_process){
        .pid = (pid_t)atoi(text), .parent = (pid_t)parent, .ticks = user + system};
    snprintf(process->name, sizeof(process->name), "%.*s", (int)(close - open - 1), open + 1);
    return true;
}

static void look_at_processes(const char *root, struct doctor_look *look)
{
    char *path = text_format("%s/proc", root);
    DIR *directory = opendir(path);
    free(path);
    size_t room = 0;
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        path = text_format("/proc/%s/stat", entry->d_name);
        char *text = proc_file(root, path);
        free(path);
        if (look->process_count == room) {
            room = room == 0 ? 64 : 2 * room;
            look->processes = realloc(look->processes, room * sizeof(*look->processes));
            if (look->processes == NULL)
                abort();
        }
        if (text != NULL && parse_process(text, &look->processes[look->process_count]))
            look->process_count++;
        free(text);
    }
    if (directory != NULL)
        closedir(directory);
}

static void take_look(const char *root, struct doctor_look *look)
{
    look->good = proc_cpu(root, &look->cpu);
    look_at_swap(root, look);
    look_at_processes(root, look);
}

/* ---- both ---- */

static double time_clock(void)
{
    double from = clock_seconds(), now = from;
    for (int i = 0; i < CLOCK_READS; i++)
        now = clock_seconds();
    return (now - from) / CLOCK_READS * 1e9;
}

static void look_at_machine(struct doctor_source *source)
{
    struct statvfs disk;
    double before = proc_own_seconds();
    take_look("", &source->first);
    source->clock_ns = time_clock();
    nanosleep(&(struct timespec){.tv_sec = BETWEEN_LOOKS_MS / 1000,
                                 .tv_nsec = BETWEEN_LOOKS_MS % 1000 * 1000000L},
              NULL);
    take_look("", &source->second);
    source->own_ticks = (proc_own_seconds() - before) * source->ticks_s;
    if (statvfs(".", &disk) == 0)
        source->disk_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
}

void doctor_source_open(struct doctor_source *source, const char *root)
{
    const char *preload = getenv("LD_PRELOAD");
    *source = (struct doctor_source){
        .root = text_copy(root),
        .ticks_s = (double)sysconf(_SC_CLK_TCK),
        .clock_ns = NAN,
        .disk_bytes = NAN,
        .preload = preload != NULL ? preload : "",
    };
    if (source->root[0] == '\0') {
        look_at_machine(source);
        return;
    }
    char *later = text_format("%s/later", source->root);
    take_look(source->root, &source->first);
    take_look(later, &source->second);
    free(later);
}

void doctor_source_close(struct doctor_source *source)
{
    free(source->root);
    free(source->first.processes);
    free(source->second.processes);
    *source = (struct doctor_source){0};
}

/* ---- what happened between the looks ---- */

static double passed(const struct doctor_source *source)
{
    if (!source->first.good || !source->second.good ||
        source->second.cpu.total <= source->first.cpu.total)
        return NAN;
    return (double)(source->second.cpu.total - source->first.cpu.total);
}

double doctor_steal_share(const struct doctor_source *source)
{
    double stolen = (double)source->second.cpu.steal - (double)source->first.cpu.steal;
    return (stolen < 0 ? 0 : stolen) / passed(source);
}

double doctor_foreign_share(const struct doctor_source *source)
{
    double busy =
        (double)source->second.cpu.busy - (double)source->first.cpu.busy - source->own_ticks;
    double share = busy / passed(source);
    return share < 0 ? 0 : share;
}

static const struct doctor_process *find(const struct doctor_look *look, pid_t pid)
{
    for (size_t i = 0; i < look->process_count; i++)
        if (look->processes[i].pid == pid)
            return &look->processes[i];
    return NULL;
}

static bool is_own(const struct doctor_look *look, const struct doctor_process *process)
{
    enum { DEPTH = 32 };
    for (int i = 0; process != NULL && i < DEPTH; i++) {
        if (process->pid == getpid())
            return true;
        process = find(look, process->parent);
    }
    return false;
}

size_t
doctor_busiest(const struct doctor_source *source, struct doctor_process *busiest, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < source->second.process_count; i++) {
        struct doctor_process process = source->second.processes[i];
        const struct doctor_process *before = find(&source->first, process.pid);
        process.ticks -= before != NULL && before->ticks <= process.ticks ? before->ticks : 0;
        if (process.ticks == 0 || (source->root[0] == '\0' && is_own(&source->second, &process)))
            continue;
        size_t at = 0;
        while (at < count && busiest[at].ticks >= process.ticks)
            at++;
        if (at == room)
            continue;
        count += count < room;
        memmove(&busiest[at + 1], &busiest[at], (count - 1 - at) * sizeof(*busiest));
        busiest[at] = process;
    }
    return count;
}
