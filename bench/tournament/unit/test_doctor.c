/* SPDX-License-Identifier: MIT */
/* test_doctor.c - each check in both ways, against made-up trees of /proc and /sys. */
#include "../doctor.h"

#include "../text.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a machine on which all is well ---- */

static const struct {
    const char *path, *text;
} quiet[] = {
    {"/proc/stat", "cpu  100 0 100 1000 0 0 0 0\n"},
    {"/later/proc/stat", "cpu  100 0 101 1199 0 0 0 0\n"},
    {"/proc/7/stat", "7 (idler) S 1 7 7 0 -1 0 0 0 0 0 10 10 0 0 20 0\n"},
    {"/later/proc/7/stat", "7 (idler) S 1 7 7 0 -1 0 0 0 0 0 10 10 0 0 20 0\n"},
    {"/proc/loadavg", "0.10 0.20 0.30 1/80 99\n"},
    {"/proc/pressure/cpu", "some avg10=0.00 avg60=0.50 avg300=0.00 total=1\n"},
    {"/proc/vmstat", "nr_free 1\npswpin 5\npswpout 5\n"},
    {"/later/proc/vmstat", "nr_free 1\npswpin 5\npswpout 5\n"},
    {"/proc/meminfo", "MemTotal: 1000000 kB\nSwapTotal: 1000 kB\nSwapFree: 1000 kB\n"},
    {"/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
    {"/proc/self/status", "Name:\tvelo\nCpus_allowed_list:\t0-1\n"},
    {"/sys/devices/system/cpu/online", "0-1\n"},
    {"/sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0\n"},
    {"/sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "1\n"},
    {"/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n"},
    {"/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n"},
    {"/sys/devices/system/cpu/intel_pstate/no_turbo", "1\n"},
    {"/proc/self/cgroup", "1:cpu,cpuacct:/box\n0::/box\n"},
    {"/sys/fs/cgroup/box/cpu.max", "max 100000\n"},
    {"/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"},
    {"/proc/self/timerslack_ns", "50000\n"},
    {"/proc/sys/kernel/randomize_va_space", "2\n"},
    {"/proc/self/personality", "00000000\n"},
    {"/proc/self/limits", "Max open files            20000                20000         files\n"},
};

struct machine {
    char root[64];
    struct doctor_source source;
    struct registry registry;
    struct doctor_input input;
    struct doctor doctor;
};

static void put(const char *root, const char *path, const char *text)
{
    char whole[512];
    snprintf(whole, sizeof(whole), "%s%s", root, path);
    for (char *at = whole + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        assert_true(mkdir(whole, 0755) == 0 || errno == EEXIST);
        *at = '/';
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_machine(struct machine *machine)
{
    *machine = (struct machine){.root = "/tmp/velo-doctor-XXXXXX"};
    assert_non_null(mkdtemp(machine->root));
    for (size_t i = 0; i < sizeof(quiet) / sizeof(*quiet); i++)
        put(machine->root, quiet[i].path, quiet[i].text);
    machine->input = (struct doctor_input){.source = &machine->source,
                                           .registry = &machine->registry,
                                           .build = "build/release",
                                           .runs = machine->root,
                                           .holds_lock = true};
}

static void look(struct machine *machine)
{
    doctor_source_open(&machine->source, machine->root);
    machine->source.preload = "";
    machine->source.disk_bytes = 1e9;
    doctor_examine(&machine->doctor, &machine->input);
}

static void look_away(struct machine *machine)
{
    doctor_free(&machine->doctor);
    doctor_source_close(&machine->source);
}

static void remove_machine(struct machine *machine)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", machine->root);
    assert_int_equal(system(command), 0);
}

static const struct doctor_finding *found(const struct machine *machine, const char *name)
{
    for (size_t i = 0; i < machine->doctor.count; i++)
        if (strcmp(machine->doctor.findings[i].name, name) == 0)
            return &machine->doctor.findings[i];
    fail_msg("there is no check %s", name);
    return NULL;
}

/* ---- one thing is changed, one finding must turn ---- */

static const struct change {
    const char *check, *path, *text; /* text NULL: the file is taken away */
    enum doctor_state state;
    const char *says; /* stands in what was seen */
} changes[] = {
    {"neighbours", "/later/proc/stat", "cpu  200 0 100 1100 0 0 0 0\n", DOCTOR_WARN, "50.0 %"},
    {"neighbours", "/proc/stat", NULL, DOCTOR_UNKNOWN, "/proc/stat"},
    {"steal", "/later/proc/stat", "cpu  100 0 100 1196 0 0 0 4\n", DOCTOR_WARN, "2.0 %"},
    {"swap", "/later/proc/vmstat", "nr_free 1\npswpin 5\npswpout 9\n", DOCTOR_WARN, "4 pages"},
    {"swap",
     "/proc/meminfo",
     "MemTotal: 1000000 kB\nSwapTotal: 90000 kB\nSwapFree: 0 kB\n",
     DOCTOR_WARN,
     "88 of 88 MB"},
    {"swap", "/proc/meminfo", NULL, DOCTOR_UNKNOWN, "/proc/meminfo"},
    {"huge-pages",
     "/sys/kernel/mm/transparent_hugepage/enabled",
     "[always] madvise never\n",
     DOCTOR_WARN,
     "[always]"},
    {"cpus", "/proc/self/status", "Cpus_allowed_list:\t1\n", DOCTOR_WARN, "1 of 2 CPUs"},
    {"cpus", "/sys/devices/system/cpu/online", "0-3\n", DOCTOR_WARN, "2 of 4 CPUs"},
    {"cpus", "/proc/self/status", NULL, DOCTOR_UNKNOWN, "0 of 2 CPUs"},
    {"smt",
     "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list",
     "0-1\n",
     DOCTOR_WARN,
     "0 and 1"},
    {"governor",
     "/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor",
     "powersave\n",
     DOCTOR_WARN,
     "cpu1/cpufreq"},
    {"turbo", "/sys/devices/system/cpu/intel_pstate/no_turbo", "0\n", DOCTOR_WARN, "on"},
    {"turbo", "/sys/devices/system/cpu/intel_pstate/no_turbo", NULL, DOCTOR_UNKNOWN, "guest"},
    {"quota", "/sys/fs/cgroup/box/cpu.max", "50000 100000\n", DOCTOR_REFUSE, "0.50 CPUs"},
    {"quota", "/sys/fs/cgroup/cpu.max", "150000 100000\n", DOCTOR_WARN, "1.50 CPUs"},
    {"quota", "/sys/fs/cgroup/box/cpu.max", "200000 100000\n", DOCTOR_OK, "2.00 CPUs"},
    {"quota", "/sys/fs/cgroup/box/cpu.max", NULL, DOCTOR_UNKNOWN, "cgroup"},
    {"quota", "/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us", "-1\n", DOCTOR_OK, "none"},
    {"clock",
     "/sys/devices/system/clocksource/clocksource0/current_clocksource",
     "hpet\n",
     DOCTOR_WARN,
     "hpet"},
    {"slack", "/proc/self/timerslack_ns", "1000000\n", DOCTOR_WARN, "1000000 ns"},
    {"slack", "/proc/self/timerslack_ns", NULL, DOCTOR_UNKNOWN, "not there"},
    {"aslr", "/proc/sys/kernel/randomize_va_space", "0\n", DOCTOR_WARN, "0, not 2"},
    {"aslr", "/proc/self/personality", "00040000\n", DOCTOR_WARN, "personality"},
    {"descriptors",
     "/proc/self/limits",
     "Max open files            1024                 4096         files\n",
     DOCTOR_WARN,
     "1024"},
    {"descriptors",
     "/proc/self/limits",
     "Max open files            unlimited            unlimited         files\n",
     DOCTOR_OK,
     "unlimited"},
    {"preload", "/etc/ld.so.preload", "/nowhere/lib.so\n", DOCTOR_WARN, "/nowhere/lib.so"},
};

static void every_check_turns_with_what_it_looks_at(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        const struct change *change = &changes[i];
        struct machine machine;
        make_machine(&machine);
        if (change->text != NULL) {
            put(machine.root, change->path, change->text);
        } else {
            char *path = text_format("%s%s", machine.root, change->path);
            assert_int_equal(unlink(path), 0);
            free(path);
        }
        look(&machine);
        const struct doctor_finding *finding = found(&machine, change->check);
        if (finding->state != change->state || strstr(finding->seen, change->says) == NULL)
            fail_msg("%s with %s: %s, %s",
                     change->check,
                     change->path,
                     doctor_state_name(finding->state),
                     finding->seen);
        if (finding->state >= DOCTOR_WARN)
            assert_true(finding->advice[0] != '\0');
        look_away(&machine);
        remove_machine(&machine);
    }
}

static void a_quiet_machine_gets_no_warning(void **state)
{
    (void)state;
    struct machine machine;
    make_machine(&machine);
    look(&machine);
    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        const struct doctor_finding *finding = found(&machine, changes[i].check);
        if (finding->state != DOCTOR_OK)
            fail_msg("%s: %s", finding->name, finding->seen);
    }
    assert_int_equal(found(&machine, "load")->state, DOCTOR_OK);
    assert_int_equal(found(&machine, "disk")->state, DOCTOR_OK);
    assert_int_equal(found(&machine, "variant")->state, DOCTOR_OK);
    assert_int_equal(found(&machine, "lock")->state, DOCTOR_OK);
    assert_int_equal(found(&machine, "twin")->state, DOCTOR_UNKNOWN); /* no run yet */
    assert_int_equal(found(&machine, "root")->state, DOCTOR_WARN);    /* it is made up */
    look_away(&machine);
    remove_machine(&machine);
}

/* A build that has just ended leaves a high average behind, and is no reason to warn. */
static void an_old_load_warns_only_while_somebody_is_busy(void **state)
{
    (void)state;
    struct machine machine;
    make_machine(&machine);
    put(machine.root, "/proc/loadavg", "3.00 2.00 1.00 1/80 99\n");
    look(&machine);
    assert_int_equal(found(&machine, "load")->state, DOCTOR_OK);
    assert_non_null(strstr(found(&machine, "load")->seen, "that was before"));
    look_away(&machine);
    put(machine.root, "/later/proc/stat", "cpu  200 0 100 1100 0 0 0 0\n");
    look(&machine);
    assert_int_equal(found(&machine, "load")->state, DOCTOR_WARN);
    look_away(&machine);
    remove_machine(&machine);
}

static void busy_processes_are_named_most_busy_first(void **state)
{
    (void)state;
    struct machine machine;
    make_machine(&machine);
    put(machine.root, "/later/proc/stat", "cpu  200 0 100 1100 0 0 0 0\n");
    put(machine.root, "/later/proc/7/stat", "7 (a) b) R 1 7 7 0 -1 0 0 0 0 0 40 10 0 0 20 0\n");
    put(machine.root, "/later/proc/8/stat", "8 (new) R 1 8 8 0 -1 0 0 0 0 0 60 0 0 0 20 0\n");
    put(machine.root, "/later/proc/9/stat", "9 (small) R 1 9 9 0 -1 0 0 0 0 0 1 0 0 0 20 0\n");
    look(&machine);
    const struct doctor_finding *finding = found(&machine, "neighbours");
    assert_int_equal(finding->state, DOCTOR_WARN);
    assert_non_null(strstr(finding->seen, ": new (8) 60 %, a) b (7) 30 % ("));
    look_away(&machine);
    remove_machine(&machine);
}

static void no_disk_and_a_slow_clock_warn(void **state)
{
    (void)state;
    struct machine machine;
    make_machine(&machine);
    look(&machine);
    doctor_free(&machine.doctor);
    machine.source.disk_bytes = 5e6;
    machine.source.clock_ns = 900;
    machine.input.build = "build/debug";
    doctor_examine(&machine.doctor, &machine.input);
    assert_int_equal(found(&machine, "disk")->state, DOCTOR_WARN);
    assert_int_equal(found(&machine, "clock")->state, DOCTOR_WARN);
    assert_int_equal(found(&machine, "variant")->state, DOCTOR_WARN);
    look_away(&machine);
    remove_machine(&machine);
}

static void a_refusal_stands_until_it_is_forced_by_its_name(void **state)
{
    (void)state;
    struct machine machine;
    struct names force = {0};
    make_machine(&machine);
    put(machine.root, "/sys/fs/cgroup/box/cpu.max", "50000 100000\n");
    look(&machine);
    assert_int_equal(doctor_force(&machine.doctor, &force, false), 0);
    assert_int_equal(doctor_count(&machine.doctor, DOCTOR_REFUSE), 1);
    assert_null(doctor_sentence(found(&machine, "quota")));
    names_split(&force, "clock"); /* another one, and nothing to force in it */
    assert_int_equal(doctor_force(&machine.doctor, &force, false), 0);
    assert_int_equal(doctor_count(&machine.doctor, DOCTOR_REFUSE), 1);
    assert_false(found(&machine, "clock")->forced);
    names_split(&force, "quota");
    assert_int_equal(doctor_force(&machine.doctor, &force, false), 0);
    assert_int_equal(doctor_count(&machine.doctor, DOCTOR_REFUSE), 0);
    char *sentence = doctor_sentence(found(&machine, "quota"));
    assert_non_null(strstr(sentence, "overridden by --force"));
    free(sentence);
    names_free(&force);
    assert_int_equal(doctor_force(&machine.doctor, &force, true), 0);
    assert_int_equal(doctor_count(&machine.doctor, DOCTOR_REFUSE), 0);
    names_split(&force, "quotta");
    assert_int_equal(doctor_force(&machine.doctor, &force, false), -EINVAL);
    names_free(&force);
    look_away(&machine);
    remove_machine(&machine);
}

static void lists_of_cpus_are_read(void **state)
{
    (void)state;
    int cpus[4];
    assert_int_equal(doctor_cpu_list("0-2,5", cpus, 4), 4);
    assert_int_equal(cpus[0], 0);
    assert_int_equal(cpus[2], 2);
    assert_int_equal(cpus[3], 5);
    assert_int_equal(doctor_cpu_list("", cpus, 4), 0);
    assert_int_equal(doctor_cpu_list("0-99", cpus, 4), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quiet_machine_gets_no_warning),
        cmocka_unit_test(every_check_turns_with_what_it_looks_at),
        cmocka_unit_test(an_old_load_warns_only_while_somebody_is_busy),
        cmocka_unit_test(busy_processes_are_named_most_busy_first),
        cmocka_unit_test(no_disk_and_a_slow_clock_warn),
        cmocka_unit_test(a_refusal_stands_until_it_is_forced_by_its_name),
        cmocka_unit_test(lists_of_cpus_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
