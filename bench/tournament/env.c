/* SPDX-License-Identifier: MIT */
/* env.c - see env.h. */
#include "env.h"

#include "checked.h"
#include "child.h"
#include "lock.h"
#include "project.h"
#include "text.h"

#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef VELO_BUILD_FLAGS
#define VELO_BUILD_FLAGS "unknown"
#endif

static void set(json_t *env, const char *key, char *value)
{
    json_t *text = json_string(value);
    json_object_set_new(env, key, text != NULL ? text : json_string("unknown"));
    free(value);
}

/* The value of the first line of /proc/cpuinfo or /proc/meminfo that begins with [key]. */
static char *proc_value(const char *path, const char *key)
{
    char *text = text_read_file(path, NULL);
    char *found = text != NULL ? strstr(text, key) : NULL;
    char *value = NULL;
    if (found != NULL && (found = strchr(found, ':')) != NULL) {
        found += 1 + strspn(found + 1, " \t");
        value = text_format("%.*s", (int)strcspn(found, "\n"), found);
    }
    free(text);
    return value != NULL ? value : text_copy("unknown");
}

/* The first line that a program prints about its version. */
static char *tool_version(const char *tool, const char *option)
{
    const char *const argv[] = {tool, option, NULL};
    struct child_result result;
    if (child_run(&(struct child_request){.argv = argv, .timeout_ms = 10000}, &result) != 0)
        return text_copy("unknown");
    char *version = result.end == CHILD_EXITED && result.code == 0
                        ? text_format("%.*s", (int)strcspn(result.out, "\n"), result.out)
                        : text_copy("missing");
    child_result_free(&result);
    return version;
}

static void describe_machine(json_t *env)
{
    struct utsname uts;
    if (uname(&uts) == 0) {
        set(env, "host", text_copy(uts.nodename));
        set(env, "kernel", text_format("%s %s", uts.sysname, uts.release));
        set(env, "architecture", text_copy(uts.machine));
    }
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    set(env, "cpu_model", proc_value("/proc/cpuinfo", "model name"));
    json_object_set_new(env, "cpus", json_integer(cpus));
    set(env, "memory", proc_value("/proc/meminfo", "MemTotal"));
    char *flags = proc_value("/proc/cpuinfo", "flags");
    bool guest = strstr(flags, " hypervisor") != NULL;
    free(flags);
    set(env, "hypervisor", text_copy(guest ? "yes" : "no"));
    set(env, "smt", text_first_line("/sys/devices/system/cpu/smt/control", "unknown"));
    set(env,
        "governor",
        text_first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "unknown"));
    set(env,
        "turbo_off",
        text_first_line("/sys/devices/system/cpu/intel_pstate/no_turbo", "unknown"));
    set(env,
        "clock_source",
        text_first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource",
                        "unknown"));
    set(env, "cpu_quota", text_first_line("/sys/fs/cgroup/cpu.max", "unknown"));
    set(env, "aslr", text_first_line("/proc/sys/kernel/randomize_va_space", "unknown"));
    set(env, "load_average", text_first_line("/proc/loadavg", "unknown"));
    set(env, "swap_total", proc_value("/proc/meminfo", "SwapTotal"));
}

char *env_program_hash(void)
{
    char hash[SHA256_DIGEST_STRING_LENGTH];
    return text_copy(SHA256File("/proc/self/exe", hash) != NULL ? hash : "unknown");
}

static void describe_build(json_t *env)
{
    char *commit = project_commit();
    char *dash = strstr(commit, "-dirty");
    bool dirty = dash != NULL;
    if (dirty)
        *dash = '\0';
    set(env, "commit", commit);
    json_object_set_new(env, "dirty", json_boolean(dirty));
    set(env,
        "compiler",
        text_format("%s %s",
#ifdef __clang__
                    "clang",
#else
                    "gcc",
#endif
                    __VERSION__));
    set(env, "flags", text_copy(VELO_BUILD_FLAGS));
    set(env, "velo_sha256", env_program_hash());
    set(env, "jansson", text_copy(jansson_version_str()));
    set(env, "hyperfine", tool_version("hyperfine", "--version"));
    set(env, "gnuplot", tool_version("gnuplot", "--version"));
}

/* What the doctor warns of, and what was overridden, as sentences. */
static void add_findings(json_t *env, const struct doctor *doctor)
{
    json_t *warnings = json_array();
    json_t *overrides = json_array();
    for (size_t i = 0; i < doctor->count; i++) {
        char *sentence = doctor_sentence(&doctor->findings[i]);
        if (sentence != NULL)
            json_array_append_new(doctor->findings[i].forced ? overrides : warnings,
                                  json_string(sentence));
        free(sentence);
    }
    if (!lock_is_usual())
        json_array_append_new(overrides,
                              json_sprintf("the lock is %s (VELO_LOCK), not that of the machine: "
                                           "another tournament could run at the same time",
                                           lock_path()));
    json_object_set_new(env, "warnings", warnings);
    json_object_set_new(env, "overrides", overrides);
    json_object_set_new(env, "doctor", doctor_json(doctor));
}

json_t *env_describe(const struct doctor *doctor)
{
    json_t *env = json_pack("{s:i}", "schema", 1);
    add_findings(env, doctor);
    describe_machine(env);
    describe_build(env);
    json_object_set_new(env, "selfcheck", checked_describe());
    return env;
}

json_t *env_machine(void)
{
    json_t *env = json_object();
    describe_machine(env);
    return env;
}

bool env_is_same_machine(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"host", "cpu_model", "cpus"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        const json_t *left = json_object_get(a, keys[i]);
        if (left == NULL || !json_equal(left, json_object_get(b, keys[i])))
            return false;
    }
    return true;
}
