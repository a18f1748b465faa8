/* SPDX-License-Identifier: MIT */
/*
 * memory.c - the price of a line that is in no cache: a walk through 256 MB in random order, each
 * step told by the line before, so that nothing can be fetched ahead.
 *
 * One cycle through all lines (Sattolo's shuffle), or a walk might stay in a short one. With small
 * pages most steps also miss the table of translations; with huge ones few do, and the difference
 * is what that costs. Huge pages are asked for, and the kernel is asked whether they came.
 */
#include "limits.h"
#include "span.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE_BYTES = 64, BATCH = 1000, HUGE_BYTES = 2 << 20 };

#define WALK_BYTES ((size_t)256 << 20)

/* What must be free beside it, so that a probe does not push others out. */
#define SPARE_KB (256L << 10)

struct line {
    struct line *next;
    unsigned char rest[LINE_BYTES - sizeof(struct line *)];
};

struct walk {
    unsigned char *map; /* what to unmap */
    size_t map_bytes;
    struct line *lines; /* WALK_BYTES of it, on a border of huge pages */
    struct line *at;
};

static int refuse(struct bench *bench, int rc, const char *why)
{
    snprintf(bench->reason, sizeof bench->reason, "%s", why);
    return rc;
}

/* The number behind [key] in a file like /proc/meminfo, in kB; -1 if there is none. */
static long read_kb(const char *path, const char *key)
{
    char text[256];
    long kb = -1;
    FILE *file = fopen(path, "re");
    while (file && kb < 0 && fgets(text, sizeof text, file))
        if (strncmp(text, key, strlen(key)) == 0)
            kb = strtol(text + strlen(key), NULL, 10);
    if (file)
        fclose(file);
    return kb;
}

/* How much of the mapping that begins at [start] stands in huge pages, in kB. */
static long huge_kb(const void *start)
{
    char text[256];
    char begin[32];
    long kb = -1;
    bool inside = false;
    FILE *file = fopen("/proc/self/smaps", "re");
    snprintf(begin, sizeof begin, "%lx-", (unsigned long)(uintptr_t)start);
    while (file && kb < 0 && fgets(text, sizeof text, file)) {
        if (strncmp(text, begin, strlen(begin)) == 0)
            inside = true;
        else if (inside && strncmp(text, "AnonHugePages:", 14) == 0)
            kb = strtol(text + 14, NULL, 10);
    }
    if (file)
        fclose(file);
    return kb;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* One cycle through all lines. */
static int link_lines(struct line *lines, size_t count)
{
    uint32_t *order = malloc(count * sizeof *order);
    uint64_t state = 0x9E3779B97F4A7C15U;
    if (!order)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (size_t i = count - 1; i > 0; i--) {
        size_t j = (size_t)(next_random(&state) % i);
        uint32_t held = order[i];
        order[i] = order[j];
        order[j] = held;
    }
    for (size_t i = 0; i < count; i++)
        lines[i].next = &lines[order[i]];
    free(order);
    return 0;
}

static void walk_close(struct bench *bench)
{
    struct walk *walk = bench->state;
    munmap(walk->map, walk->map_bytes);
    free(walk);
}

/* Address space with a huge page to spare, so that the walk can begin on a border of one. */
static struct walk *walk_map(int advice)
{
    struct walk *walk = calloc(1, sizeof *walk);
    if (!walk)
        return NULL;
    walk->map_bytes = WALK_BYTES + HUGE_BYTES;
    void *map =
        mmap(NULL, walk->map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) {
        free(walk);
        return NULL;
    }
    walk->map = map;
    size_t past = (uintptr_t)map % HUGE_BYTES;
    walk->lines = (struct line *)(void *)(walk->map + (past > 0 ? HUGE_BYTES - past : 0));
    walk->at = walk->lines;
    /* a separate mapping in the list of the kernel, which tells the kind of pages of each */
    if (madvise(walk->lines, WALK_BYTES, advice) == 0)
        return walk;
    munmap(walk->map, walk->map_bytes);
    free(walk);
    return NULL;
}

static int walk_open(struct bench *bench, int advice)
{
    if (bench->brief)
        return refuse(bench, -EAGAIN, "takes too long for a brief calibration");
    long free_kb = read_kb("/proc/meminfo", "MemAvailable:");
    if (free_kb >= 0 && free_kb < (long)(WALK_BYTES >> 10) + SPARE_KB)
        return refuse(bench, -ENOMEM, "needs 512 MB of free memory");
    struct walk *walk = walk_map(advice);
    if (!walk)
        return refuse(bench, -ENOMEM, "the kernel gives no 256 MB of such pages");
    bench->state = walk;
    int rc = link_lines(walk->lines, WALK_BYTES / sizeof(struct line));
    if (rc == 0)
        return 0;
    walk_close(bench);
    return refuse(bench, rc, "out of memory");
}

static int walk_open_small(struct bench *bench)
{
    return walk_open(bench, MADV_NOHUGEPAGE);
}

static int walk_open_huge(struct bench *bench)
{
    int rc = walk_open(bench, MADV_HUGEPAGE);
    if (rc != 0)
        return rc;
    const struct walk *walk = bench->state;
    long kb = huge_kb(walk->lines);
    if (kb >= (long)(WALK_BYTES >> 10) * 9 / 10)
        return 0;
    walk_close(bench);
    snprintf(bench->reason,
             sizeof bench->reason,
             "the kernel gave %ld MB of 256 in huge pages",
             kb > 0 ? kb >> 10 : 0);
    return -ENOMEM;
}

static double walk_on(struct bench *bench)
{
    struct walk *walk = bench->state;
    const struct line *at = walk->at;
    struct span span;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++)
            at = at->next;
    keep(at);
    walk->at = at->next;
    return span_cpu_ns(&span);
}

#define CYCLE "one random cycle through 256 MB, a line a step; CPU time"

const struct limit limits_memory[] = {
    {.id = "C10",
     .name = "line from memory, 4 KB pages",
     .method = CYCLE,
     .setup = walk_open_small,
     .once = walk_on,
     .teardown = walk_close},
    {.id = "C10h",
     .name = "line from memory, huge pages",
     .method = CYCLE,
     .setup = walk_open_huge,
     .once = walk_on,
     .teardown = walk_close},
    {.id = NULL},
};
