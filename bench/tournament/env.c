/* SPDX-License-Identifier: MIT */
/* env.c - see env.h. */
#include "env.h"

#include "checked.h"
#include "child.h"
#include "project.h"
#include "text.h"

#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
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

static void warn(json_t *env, char *sentence)
{
    json_array_append_new(json_object_get(env, "warnings"), json_string(sentence));
    free(sentence);
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
    if (cpus < 2)
        warn(env, text_copy("only one CPU: load generator and contestant share it"));
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
    if (dirty)
        warn(env,
             text_copy(
                 "the checkout has changes that are not committed: the commit alone does not say "
                 "what was measured"));
}

static void check_load(json_t *env)
{
    double load = 0;
    char *line = text_first_line("/proc/loadavg", "0");
    if (sscanf(line, "%lf", &load) == 1 && load > 0.5)
        warn(env,
             text_format("the load average is %.2f at the start: something else is running", load));
    free(line);
}

static void check_settings(json_t *env)
{
    const char *aslr = json_string_value(json_object_get(env, "aslr"));
    if (strcmp(aslr, "0") == 0)
        warn(env,
             text_copy("address space randomization is off: every run has the same memory layout"));
    const char *quota = json_string_value(json_object_get(env, "cpu_quota"));
    if (strcmp(quota, "unknown") != 0 && strncmp(quota, "max", 3) != 0)
        warn(env, text_format("CPU time is limited by a quota (%s)", quota));
    const char *governor = json_string_value(json_object_get(env, "governor"));
    if (strcmp(governor, "unknown") != 0 && strcmp(governor, "performance") != 0)
        warn(env, text_format("the CPU governor is '%s', not 'performance'", governor));
    if (getenv("LD_PRELOAD") != NULL)
        warn(env, text_format("LD_PRELOAD is set: %s", getenv("LD_PRELOAD")));
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < 4096)
        warn(env,
             text_format("at most %llu descriptors per process: scenarios with many may not run",
                         (unsigned long long)files.rlim_cur));
    struct statvfs disk;
    if (statvfs(".", &disk) == 0 && (double)disk.f_bavail * (double)disk.f_frsize < 100e6)
        warn(env, text_copy("less than 100 MB of disk space are left"));
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(NDEBUG)
    warn(env,
         text_copy("this is not the release build: its numbers say nothing about the release"));
#endif
}

json_t *env_describe(void)
{
    json_t *env = json_pack("{s:i, s:[]}", "schema", 1, "warnings");
    describe_machine(env);
    describe_build(env);
    json_object_set_new(env, "selfcheck", checked_describe());
    check_load(env);
    check_settings(env);
    return env;
}
