/* SPDX-License-Identifier: MIT */
/*
 * doctor_build.c - what was built and what is loaded into it; see doctor.h.
 *
 * A program built with -g says itself with which compiler and flags, in the debug strings of each
 * of its objects: what the Makefile would do now proves nothing about objects from last week.
 */
#include "doctor.h"

#include "child.h"
#include "project.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- inside one program ---- */

struct program_facts {
    bool is_program;        /* an ELF file; else it is a script or cannot be read */
    const char *instrument; /* what makes its times those of another program; NULL if nothing */
    struct names producers; /* compiler and flags, each once */
};

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void look_at_string(const char *text, struct program_facts *facts)
{
    static const struct {
        const char *symbol, *what;
    } instruments[] = {{"__asan_init", "AddressSanitizer"},
                       {"__tsan_init", "ThreadSanitizer"},
                       {"__ubsan_handle_", "UndefinedBehaviorSanitizer"},
                       {"__msan_init", "MemorySanitizer"},
                       {"__gcov_", "coverage counters"}};
    for (size_t i = 0; facts->instrument == NULL && i < sizeof(instruments) / sizeof(*instruments);
         i++)
        if (begins_with(text, instruments[i].symbol))
            facts->instrument = instruments[i].what;
    if ((begins_with(text, "GNU C") || begins_with(text, "clang version ")) &&
        strstr(text, " -") != NULL && !names_has(&facts->producers, text))
        names_add(&facts->producers, text);
}

static void inspect(const char *path, struct program_facts *facts)
{
    size_t size;
    char *bytes = text_read_file(path, &size);
    *facts = (struct program_facts){.is_program = bytes != NULL && size > 4 &&
                                                  memcmp(bytes, "\177ELF", 4) == 0};
    if (facts->is_program)
        for (size_t at = 0; at < size; at += strlen(bytes + at) + 1)
            if (bytes[at] == 'G' || bytes[at] == 'c' || bytes[at] == '_')
                look_at_string(bytes + at, facts);
    names_sort(&facts->producers);
    free(bytes);
}

static void inspect_race(const struct contestant *contestant, struct program_facts *facts)
{
    char *path = contestant_program(contestant, "race");
    inspect(path != NULL ? path : "", facts);
    free(path);
}

static void look_at_instruments(const struct doctor_input *input, struct doctor_finding *finding)
{
    size_t programs = 0;
    for (size_t i = 0; i < input->registry->count; i++) {
        struct program_facts facts;
        inspect_race(&input->registry->items[i], &facts);
        programs += facts.is_program;
        names_free(&facts.producers);
        if (facts.instrument == NULL)
            continue;
        doctor_find(finding,
                    DOCTOR_REFUSE,
                    text_format("%s is built with %s (%s/race)",
                                input->registry->items[i].name,
                                facts.instrument,
                                input->registry->items[i].dir),
                    "its times are those of the instrument: make V=release build, and "
                    "build/release/velo");
        return;
    }
    doctor_find(finding,
                programs > 0 ? DOCTOR_OK : DOCTOR_UNKNOWN,
                text_format("none in %zu of %zu contestants (symbols of their race program)",
                            programs,
                            input->registry->count),
                "");
}

/* ---- the same flags for all ---- */

/* The first word of [a] that [b] has not, into [word]; false if it has all. */
static bool first_missing(const struct names *a, const struct names *b, char *word, size_t size)
{
    char *all = names_join(b);
    bool missing = false;
    for (size_t i = 0; i < a->count && !missing; i++)
        for (const char *at = a->items[i]; *at != '\0' && !missing;) {
            size_t length = strcspn(at, " ");
            snprintf(word, size, " %.*s", (int)length, at);
            missing = length > 0 && strstr(all, word) == NULL && at != a->items[i];
            at += length + strspn(at + length, " ");
        }
    free(all);
    return missing;
}

static bool same_names(const struct names *a, const struct names *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

static void tell_difference(struct doctor_finding *finding,
                            const char *first,
                            const struct names *of_first,
                            const char *other,
                            const struct names *of_other)
{
    char word[128];
    char *one = first_missing(of_first, of_other, word, sizeof(word))
                    ? text_format(": only %s has%s", first, word)
                    : text_copy("");
    char *two = first_missing(of_other, of_first, word, sizeof(word))
                    ? text_format(": only %s has%s", other, word)
                    : text_copy("");
    doctor_find(
        finding,
        DOCTOR_REFUSE,
        text_format(
            "%s and %s differ%s%s (debug strings of their race programs)", first, other, one, two),
        "a race between flags is none between loops: make clean, then make, with the same "
        "CC and CFLAGS for all");
    free(one);
    free(two);
}

static void look_at_flags(const struct doctor_input *input, struct doctor_finding *finding)
{
    const struct contestant *first = NULL;
    struct names common = {0};
    size_t known = 0;
    bool differ = false;
    for (size_t i = 0; i < input->registry->count && !differ; i++) {
        const struct contestant *contestant = &input->registry->items[i];
        struct program_facts facts;
        inspect_race(contestant, &facts);
        known += facts.producers.count > 0;
        differ =
            first != NULL && facts.producers.count > 0 && !same_names(&common, &facts.producers);
        if (differ)
            tell_difference(finding, first->name, &common, contestant->name, &facts.producers);
        if (first != NULL || facts.producers.count == 0) {
            names_free(&facts.producers);
            continue;
        }
        first = contestant;
        common = facts.producers;
    }
    if (!differ && first != NULL && known == input->registry->count)
        doctor_find(finding,
                    DOCTOR_OK,
                    text_format("the same in all %zu contestants: %s", known, common.items[0]),
                    "");
    else if (!differ)
        doctor_find(finding,
                    DOCTOR_UNKNOWN,
                    text_format("%zu of %zu race programs tell no flags (no debug strings)",
                                input->registry->count - known,
                                input->registry->count),
                    "");
    names_free(&common);
}

/* ---- this program, and the checkout ---- */

static void look_at_variant(const struct doctor_input *input, struct doctor_finding *finding)
{
    const char *slash = strrchr(input->build, '/');
    const char *variant = slash != NULL ? slash + 1 : input->build;
    if (strcmp(variant, "release") == 0)
        doctor_find(finding, DOCTOR_OK, text_format("release (%s)", input->build), "");
    else
        doctor_find(
            finding,
            DOCTOR_WARN,
            text_format("%s (%s)", variant, input->build),
            "this is not the release build: its numbers say nothing about the release; take "
            "build/release/velo");
}

static void look_at_checkout(const struct doctor_input *input, struct doctor_finding *finding)
{
    (void)input;
    char *commit = project_commit();
    if (strcmp(commit, "unknown") == 0)
        doctor_find(finding, DOCTOR_UNKNOWN, text_copy("git does not know a commit here"), "");
    else if (strstr(commit, "-dirty") != NULL)
        doctor_find(finding,
                    DOCTOR_WARN,
                    text_format("%.*s, and changes that are not committed (git status)",
                                (int)strcspn(commit, "-"),
                                commit),
                    "the commit alone does not say what was measured: commit first, so that "
                    "others can repeat it");
    else
        doctor_find(finding, DOCTOR_OK, text_format("%s, nothing changed (git)", commit), "");
    free(commit);
}

/* ---- LD_PRELOAD ---- */

/* Names whose replacement changes what a loop does or costs. */
static const char *const replaced[] = {"malloc",
                                       "free",
                                       "calloc",
                                       "realloc",
                                       "aligned_alloc",
                                       "memcpy",
                                       "memset",
                                       "mmap",
                                       "munmap",
                                       "read",
                                       "write",
                                       "poll",
                                       "ppoll",
                                       "epoll_create1",
                                       "epoll_ctl",
                                       "epoll_wait",
                                       "epoll_pwait",
                                       "epoll_pwait2",
                                       "eventfd",
                                       "timerfd_create",
                                       "syscall",
                                       "sched_yield",
                                       "nanosleep",
                                       "usleep",
                                       "clock_gettime",
                                       "clock_nanosleep",
                                       "gettimeofday",
                                       "time",
                                       "pthread_create",
                                       "pthread_mutex_lock",
                                       "pthread_mutex_unlock",
                                       "pthread_cond_wait",
                                       "pthread_cond_signal",
                                       "pthread_setaffinity_np",
                                       "sched_setaffinity"};

/* What [library] replaces, as "malloc, free"; "" if nothing; NULL if it cannot be looked into. */
static char *replacements(const char *library)
{
    const char *const argv[] = {"nm", "-D", "--defined-only", library, NULL};
    struct child_result result;
    struct names found = {0};
    if (child_run(&(struct child_request){.argv = argv, .timeout_ms = 10000}, &result) != 0)
        return NULL;
    bool good = result.end == CHILD_EXITED && result.code == 0;
    char *rest = NULL;
    for (char *line = good ? strtok_r(result.out, "\n", &rest) : NULL; line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *symbol = strrchr(line, ' ');
        if (symbol == NULL)
            continue;
        symbol[1 + strcspn(symbol + 1, "@")] = '\0';
        for (size_t i = 0; i < sizeof(replaced) / sizeof(*replaced); i++)
            if (strcmp(symbol + 1, replaced[i]) == 0 && !names_has(&found, symbol + 1))
                names_add(&found, symbol + 1);
    }
    child_result_free(&result);
    char *list = !good ? NULL : found.count > 0 ? names_join(&found) : text_copy("");
    names_free(&found);
    return list;
}

static void look_at_library(const char *library, const char *where, struct doctor_finding *finding)
{
    char *list = replacements(library);
    if (list == NULL && finding->state < DOCTOR_WARN)
        doctor_find(finding,
                    DOCTOR_WARN,
                    text_format("%s (%s) cannot be looked into with nm", library, where),
                    "unset it unless you know that it replaces nothing that a loop calls");
    else if (list != NULL && list[0] != '\0')
        doctor_find(finding,
                    DOCTOR_REFUSE,
                    text_format("%s (%s) replaces %s", library, where, list),
                    "what is measured is this library: unset it, or --force preload if that is "
                    "what you want to know");
    else if (list != NULL && finding->state == DOCTOR_OK)
        doctor_find(finding,
                    DOCTOR_OK,
                    text_format("%s (%s) replaces nothing that a loop calls", library, where),
                    "");
    free(list);
}

static void look_at_preload(const struct doctor_input *input, struct doctor_finding *finding)
{
    char *system = doctor_file(input->source, "/etc/ld.so.preload");
    doctor_find(finding, DOCTOR_OK, text_copy("none (LD_PRELOAD, /etc/ld.so.preload)"), "");
    for (int i = 0; i < 2; i++) {
        char *list = text_copy(i == 0 ? input->source->preload : system != NULL ? system : "");
        char *rest = NULL;
        for (char *library = strtok_r(list, " :\t\n", &rest); library != NULL;
             library = strtok_r(NULL, " :\t\n", &rest))
            look_at_library(library, i == 0 ? "LD_PRELOAD" : "/etc/ld.so.preload", finding);
        free(list);
    }
    free(system);
}

static void look_at_aslr(const struct doctor_input *input, struct doctor_finding *finding)
{
    static const char path[] = "/proc/sys/kernel/randomize_va_space";
    const unsigned long no_randomize = 0x0040000; /* ADDR_NO_RANDOMIZE */
    char *value = doctor_line(input->source, path);
    char *personality = doctor_line(input->source, "/proc/self/personality");
    bool off_here = personality != NULL && (strtoul(personality, NULL, 16) & no_randomize) != 0;
    if (off_here)
        doctor_find(finding,
                    DOCTOR_WARN,
                    text_format("off for this process (/proc/self/personality: %s)", personality),
                    "every run gets the same memory layout, which may suit one contestant: start "
                    "without setarch -R, and not in a debugger");
    else if (value == NULL)
        doctor_find(finding, DOCTOR_UNKNOWN, text_format("%s: not there", path), "");
    else if (strcmp(value, "2") != 0)
        doctor_find(finding,
                    DOCTOR_WARN,
                    text_format("%s, not 2 (%s)", value, path),
                    "every run gets the same memory layout, which may suit one contestant: as root "
                    "sysctl kernel.randomize_va_space=2");
    else
        doctor_find(finding, DOCTOR_OK, text_format("on (%s: 2)", path), "");
    free(personality);
    free(value);
}

const struct doctor_check doctor_build_checks[] = {
    {"instruments", false, look_at_instruments},
    {"flags", false, look_at_flags},
    {"preload", true, look_at_preload},
    {"aslr", true, look_at_aslr},
    {"variant", false, look_at_variant},
    {"checkout", false, look_at_checkout},
    {NULL, false, NULL},
};
