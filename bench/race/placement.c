/* SPDX-License-Identifier: MIT */
/*
 * placement.c - by sched_setaffinity(), within what the process may use (taskset, cpusets).
 *
 * Generators are put on a processor of another core than the loop's, as the kernel's topology tells
 * it, before they are put on a sibling hardware thread: two siblings share the units that both
 * need.
 */
#include "placement.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define SPINS_ALONE 20000U

static const char *const words[] = {"spread", "free", "same-core", "cross-core"};

bool placement_parse(const char *word, enum placement *out)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i], word) == 0) {
            *out = (enum placement)i;
            return true;
        }
    return false;
}

const char *placement_name(enum placement placement)
{
    return words[placement];
}

static int list_allowed(int *cpus, int capacity)
{
    cpu_set_t set;
    int count = 0;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 0;
    for (int cpu = 0; cpu < CPU_SETSIZE && count < capacity; cpu++)
        if (CPU_ISSET((size_t)cpu, &set))
            cpus[count++] = cpu;
    return count;
}

int placement_cpu_count(void)
{
    int cpus[PLACEMENT_CPUS_MAX];
    return list_allowed(cpus, PLACEMENT_CPUS_MAX);
}

static int topology_id(int cpu, const char *name)
{
    char path[128];
    int id = -1;
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    if (fscanf(file, "%d", &id) != 1)
        id = -1;
    fclose(file);
    return id;
}

static bool same_core(int a, int b)
{
    int core = topology_id(a, "core_id");
    return core >= 0 && core == topology_id(b, "core_id") &&
           topology_id(a, "physical_package_id") == topology_id(b, "physical_package_id");
}

/* Move the siblings of the loop's processor to the end. Stable otherwise. */
static void put_siblings_last(int *cpus, int count)
{
    int siblings[PLACEMENT_CPUS_MAX];
    int kept = 1, put_off = 0;
    for (int i = 1; i < count; i++) {
        if (same_core(cpus[0], cpus[i]))
            siblings[put_off++] = cpus[i];
        else
            cpus[kept++] = cpus[i];
    }
    memcpy(cpus + kept, siblings, (size_t)put_off * sizeof siblings[0]);
}

bool placement_resolve(struct placement_map *map, enum placement wanted, char *error, size_t size)
{
    map->count = list_allowed(map->cpus, PLACEMENT_CPUS_MAX);
    if (map->count == 0) {
        snprintf(error, size, "cannot read the allowed processors: %s", strerror(errno));
        return false;
    }
    if (wanted == PLACEMENT_CROSS_CORE && map->count < 2) {
        snprintf(error,
                 size,
                 "placement cross-core needs two processors, but this process may use only "
                 "processor %d; allow another one (taskset, cpuset) or choose same-core or free",
                 map->cpus[0]);
        return false;
    }
    if (wanted == PLACEMENT_SPREAD)
        wanted = map->count >= 2 ? PLACEMENT_CROSS_CORE : PLACEMENT_SAME_CORE;
    if (wanted == PLACEMENT_CROSS_CORE)
        put_siblings_last(map->cpus, map->count);
    map->placement = wanted;
    map->spins = map->count < 2 || wanted == PLACEMENT_SAME_CORE ? 0 : SPINS_ALONE;
    return true;
}

/* Where a thread belongs: the whole set when it is free. */
static void home_of_loop(const struct placement_map *map, cpu_set_t *set)
{
    int cpus[PLACEMENT_CPUS_MAX];
    const int count = placement_of_loop(map, cpus);
    CPU_ZERO(set);
    for (int i = 0; i < count; i++)
        CPU_SET((size_t)cpus[i], set);
}

/* Each generator has one of the generators' processors. */
static void home_of_generator(const struct placement_map *map, int index, cpu_set_t *set)
{
    if (map->placement != PLACEMENT_CROSS_CORE) {
        home_of_loop(map, set);
        return;
    }
    CPU_ZERO(set);
    CPU_SET((size_t)map->cpus[1 + index % (map->count - 1)], set);
}

static void enter(struct placement_map *map, const cpu_set_t *home)
{
    cpu_set_t now;
    if (map->placement == PLACEMENT_FREE)
        return;
    if (sched_setaffinity(0, sizeof *home, home) != 0 ||
        sched_getaffinity(0, sizeof now, &now) != 0 || !CPU_EQUAL(&now, home))
        gauge_set(&map->misplaced, 1);
}

void placement_enter_loop(struct placement_map *map)
{
    cpu_set_t home;
    home_of_loop(map, &home);
    enter(map, &home);
}

void placement_enter_generator(struct placement_map *map, int index)
{
    cpu_set_t home;
    home_of_generator(map, index, &home);
    enter(map, &home);
}

int placement_of_loop(const struct placement_map *map, int cpus[PLACEMENT_CPUS_MAX])
{
    const int count = map->placement == PLACEMENT_FREE ? map->count : 1;
    memcpy(cpus, map->cpus, (size_t)count * sizeof cpus[0]);
    return count;
}

int placement_of_generators(const struct placement_map *map, int cpus[PLACEMENT_CPUS_MAX])
{
    if (map->placement != PLACEMENT_CROSS_CORE)
        return placement_of_loop(map, cpus);
    memcpy(cpus, map->cpus + 1, (size_t)(map->count - 1) * sizeof cpus[0]);
    return map->count - 1;
}

static bool stands(pid_t thread, const cpu_set_t *home)
{
    cpu_set_t now;
    return sched_getaffinity(thread, sizeof now, &now) == 0 && CPU_EQUAL(&now, home);
}

bool placement_holds(struct placement_map *map, pid_t loop, char *error, size_t size)
{
    cpu_set_t of_loop, of_generator;
    const char *who = NULL;
    home_of_loop(map, &of_loop);
    home_of_generator(map, 0, &of_generator);
    if (gauge_get(&map->misplaced) != 0)
        who = "a thread could not be put on its processor";
    else if (!stands(loop, &of_loop))
        who = "the loop's thread was moved to other processors";
    else if (!stands(0, &of_generator))
        who = "the generator's thread was moved to other processors";
    if (who != NULL)
        snprintf(error,
                 size,
                 "%s: placement %s is set by the harness and must stay so",
                 who,
                 words[map->placement]);
    return who == NULL;
}
