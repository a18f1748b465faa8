/* SPDX-License-Identifier: MIT */
/*
 * The suite's --random. All programs run in one child, so that a crash or a hang is seen here; the
 * child says in shared memory which seed it is at. A failing program is made small by running each
 * attempt in a child of its own, and then told: both traces, and the program as C in a file.
 */
#include "random.h"

#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "print.h"

enum {
    CHILD_EQUAL = 0,
    CHILD_DIFFERS = 3,
    STALL_MS = 5000,   /* for one program */
    TRY_MS = 5000,     /* for one attempt to make it smaller, unless it is seen to be stuck: */
    ASLEEP_LOOKS = 40, /*   it sleeps, a millisecond between looks; no program does that */
    SPIN_MS = 200,     /*   or it uses so much processor time; one needs less than a millisecond */
    LOOK_MS = 20
};

/* Written by the child. */
struct shared {
    _Atomic uint64_t at; /* programs done */
    int difference;
    struct trace seen, expected;
};

struct run {
    const struct conf_request *request;
    const struct plant *plant;
    struct shared *shared;
    bool hangs; /* what is to be made small: something that hangs */
};

static struct check check_of(const struct run *run)
{
    return (struct check){.mode = run->request->mode,
                          .plant = run->plant,
                          .seen = &run->shared->seen,
                          .expected = &run->shared->expected};
}

/* ---- children ---- */

static pid_t start_child(const struct run *run)
{
    fflush(NULL);
    run->shared->seen.length = run->shared->expected.length = 0;
    pid_t child = fork();
    if (child < 0) {
        perror("conformance: fork");
        exit(1);
    }
    if (child == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return child;
}

static void nap(void)
{
    struct timespec pause = {0, 1000000};
    nanosleep(&pause, NULL);
}

/* Is the child over? Waits for at most [limit_ms]. */
static bool wait_child(pid_t child, unsigned limit_ms, int *status)
{
    uint64_t until = conf_now_ns() + limit_ms * CONF_NS_PER_MS;
    while (waitpid(child, status, WNOHANG) == 0) {
        if (conf_now_ns() > until)
            return false;
        nap();
    }
    return true;
}

/* Does the child's main thread sleep now? */
static bool is_asleep(pid_t child)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)child, (int)child);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    const char *name_end = got > 0 ? strrchr(text, ')') : NULL;
    return name_end != NULL && name_end[1] == ' ' && name_end[2] == 'S';
}

static bool has_spun(pid_t child)
{
    clockid_t id;
    struct timespec used;
    if (clock_getcpuclockid(child, &id) != 0 || clock_gettime(id, &used) != 0)
        return false;
    uint64_t ns = (uint64_t)used.tv_sec * CONF_NS_PER_S + (uint64_t)used.tv_nsec;
    return ns > SPIN_MS * CONF_NS_PER_MS * conf_slowness();
}

/* The same for a child that runs one program. A hang is told by what the child does and not by how
 * long it takes: on a busy machine that says little. */
static bool wait_program(pid_t child, int *status)
{
    uint64_t until = conf_now_ns() + TRY_MS * CONF_NS_PER_MS * conf_slowness();
    unsigned asleep = 0;
    while (waitpid(child, status, WNOHANG) == 0) {
        asleep = is_asleep(child) ? asleep + 1 : 0;
        if (asleep > ASLEEP_LOOKS || has_spun(child) || conf_now_ns() > until)
            return false;
        nap();
    }
    return true;
}

static void kill_child(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static const char hangs_text[] = "it hangs";

/* How a child has ended that was to run programs. */
static void tell_end(int status, bool hangs, char *out, size_t size)
{
    if (hangs)
        snprintf(out, size, "%s", hangs_text);
    else if (WIFSIGNALED(status))
        snprintf(out, size, "it was killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
    else if (WEXITSTATUS(status) == CHILD_DIFFERS)
        snprintf(out, size, "the traces differ");
    else if (WEXITSTATUS(status) != CHILD_EQUAL)
        snprintf(out, size, "it ended with status %d (sanitizer report?)", WEXITSTATUS(status));
    else
        out[0] = '\0';
}

/* ---- one program in a child: does it fail, and how? ---- */

/* [why] is empty if it does not fail; at least 80 bytes. */
static void try_program(const struct run *run, const struct program *program, bool quiet, char *why)
{
    pid_t child = start_child(run);
    if (child == 0) {
        struct check check = check_of(run);
        if (quiet) {
            int nowhere = open("/dev/null", O_WRONLY);
            dup2(nowhere, STDERR_FILENO);
        }
        run->shared->difference = check_program(&check, program);
        conf_exit_now(run->shared->difference < 0 ? CHILD_EQUAL : CHILD_DIFFERS);
    }
    int status = 0;
    bool ended = wait_program(child, &status);
    if (!ended)
        kill_child(child);
    tell_end(status, !ended, why, 80);
}

static bool still_fails(void *ctx, const struct program *program)
{
    const struct run *run = ctx;
    char why[80];
    try_program(run, program, true, why);
    return why[0] != '\0' && (strcmp(why, hangs_text) == 0) == run->hangs;
}

/* ---- telling a failure ---- */

static void tell_traces(const struct run *run, const struct program *program)
{
    enum { AROUND = 12 };
    const struct trace *seen = &run->shared->seen;
    const struct trace *expected = &run->shared->expected;
    int at = trace_compare(seen, expected);
    unsigned from = at > AROUND ? (unsigned)at - AROUND : 0;
    unsigned to = (unsigned)at + AROUND;
    printf("  %-58s   %s\n", "the contract", "the loop");
    for (unsigned i = from; i < to && (i < seen->length || i < expected->length); i++) {
        char left[160] = "-", right[160] = "-";
        if (i < expected->length)
            trace_print(program, &expected->entries[i], left, sizeof left);
        if (i < seen->length)
            trace_print(program, &seen->entries[i], right, sizeof right);
        printf("%c %-58s | %s\n", (int)i == at ? '>' : ' ', left, right);
    }
}

/* For the traces of a program that does not come back. */
static void expect_anyway(const struct run *run, const struct program *program)
{
    const struct shared *shared = run->shared;
    if (shared->expected.length == 0)
        model_run(program,
                  velo_impl()->capabilities,
                  run->request->mode,
                  &shared->seen,
                  &run->shared->expected);
}

static void save(const struct run *run, const struct program *program, const char *why)
{
    const struct conf_request *request = run->request;
    char folder[200], path[300], head[1200];
    snprintf(folder, sizeof folder, "%s", request->program);
    snprintf(path,
             sizeof path,
             "%s/random-%s-%llu.c",
             dirname(folder),
             conf_mode_name(request->mode),
             (unsigned long long)program->seed);
    snprintf(
        head,
        sizeof head,
        "// Random program, seed %llu, made small. %s, fast path %s: %s.\n"
        "// Again:   %s --random 1 --seed %llu --mode %s%s%s\n"
        "// Compile: B=build/release; cc -D_GNU_SOURCE -Icommon/include %s $B/obj/common/sim/*.o "
        "$B/obj/impls/%s/*.o $B/libcommon.a -pthread\n",
        (unsigned long long)program->seed,
        velo_impl()->name,
        conf_mode_name(request->mode),
        why,
        request->program,
        (unsigned long long)program->seed,
        conf_mode_name(request->mode),
        run->plant != NULL ? " --plant " : "",
        run->plant != NULL ? run->plant->name : "",
        path,
        velo_impl()->name);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        return;
    }
    print_c(file, program, request->mode, head);
    fclose(file);
    printf("as C: %s\n", path);
}

static void tell_failure(struct run *run, uint64_t seed)
{
    struct program program;
    char why[80];
    program_generate(&program, seed, velo_impl()->capabilities, PROFILE_ALL);
    try_program(run, &program, false, why);
    if (why[0] == '\0') {
        printf("seed %llu fails only after the programs before it; again: --seed %llu --random N\n",
               (unsigned long long)seed,
               (unsigned long long)run->request->seed);
        return;
    }
    printf("seed %llu fails: %s\n", (unsigned long long)seed, why);
    unsigned before = program_length(&program);
    run->hangs = strcmp(why, hangs_text) == 0;
    unsigned tried = shrink(&program, still_fails, run);
    try_program(run, &program, false, why);
    expect_anyway(run, &program);
    printf("made small: %u statements of %u, %u attempts; %s\n",
           program_length(&program),
           before,
           tried,
           why);
    tell_traces(run, &program);
    save(run, &program, why);
}

/* ---- many programs ---- */

static _Noreturn void run_all(const struct run *run, uint64_t count)
{
    struct check check = check_of(run);
    struct program program;
    for (uint64_t i = 0; i < count; i++) {
        atomic_store(&run->shared->at, i);
        program_generate(&program, run->request->seed + i, velo_impl()->capabilities, PROFILE_ALL);
        if (check_program(&check, &program) >= 0)
            _exit(CHILD_DIFFERS);
    }
    atomic_store(&run->shared->at, count);
    exit(CHILD_EQUAL); /* not _exit: the leak check of a sanitizer runs here */
}

/* Watch the child. True: it was killed, as it stood still. */
static bool watch(const struct run *run, pid_t child, uint64_t count, int *status)
{
    bool fancy = isatty(STDERR_FILENO) == 1;
    uint64_t last = 0;
    unsigned still_ms = 0;
    while (!wait_child(child, LOOK_MS, status)) {
        uint64_t at = atomic_load(&run->shared->at);
        still_ms = at == last ? still_ms + LOOK_MS : 0;
        if (fancy && at != last)
            fprintf(stderr, "\r%llu of %llu", (unsigned long long)at, (unsigned long long)count);
        last = at;
        if (still_ms > STALL_MS * conf_slowness()) {
            kill_child(child);
            return true;
        }
    }
    if (fancy)
        fprintf(stderr, "\r%40s\r", "");
    return false;
}

int random_run(const struct conf_request *request, uint64_t count, const struct plant *plant)
{
    struct run run = {.request = request, .plant = plant};
    uint64_t begin_ns = conf_now_ns();
    int status = 0;
    char why[80];
    if (request->mode != VELO_FAST_AUTO && !conf_has(VELO_CAP_FAST_PATH)) {
        printf("random programs: n/a for %s in mode %s, it has no fast path\n",
               velo_impl()->name,
               conf_mode_name(request->mode));
        return 0;
    }
    run.shared =
        mmap(NULL, sizeof *run.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run.shared == MAP_FAILED) {
        perror("conformance: mmap");
        return 1;
    }
    pid_t child = start_child(&run);
    if (child == 0)
        run_all(&run, count);
    bool hangs = watch(&run, child, count, &status);
    uint64_t passed = atomic_load(&run.shared->at);
    tell_end(status, hangs, why, sizeof why);
    if (why[0] != '\0' && passed < count)
        tell_failure(&run, request->seed + passed);
    printf("random programs: %llu of %llu as the model says, %s, fast path %s, seed %llu, %.1f "
           "s%s%s\n",
           (unsigned long long)passed,
           (unsigned long long)count,
           velo_impl()->name,
           conf_mode_name(request->mode),
           (unsigned long long)request->seed,
           (double)(conf_now_ns() - begin_ns) / 1e9,
           why[0] != '\0' ? "; " : "",
           why);
    return why[0] == '\0' ? 0 : 1;
}

/* ---- printing ---- */

int random_print_c(const struct conf_request *request)
{
    struct program program;
    program_generate(&program, request->seed, velo_impl()->capabilities, PROFILE_ALL);
    print_c(stdout, &program, request->mode, "// A random program.\n");
    return 0;
}

int random_print_js(const struct conf_request *request, uint64_t count)
{
    struct program program;
    print_js_begin(stdout);
    for (uint64_t i = 0; i < count; i++) {
        program_generate(&program, request->seed + i, velo_impl()->capabilities, PROFILE_NODE_JS);
        print_js(stdout, &program);
    }
    print_js_end(stdout);
    return 0;
}

int random_print_js_traces(const struct conf_request *request, uint64_t count)
{
    static struct trace seen, expected;
    const struct check check = {.mode = request->mode, .seen = &seen, .expected = &expected};
    struct program program;
    for (uint64_t i = 0; i < count; i++) {
        program_generate(&program, request->seed + i, velo_impl()->capabilities, PROFILE_NODE_JS);
        if (check_program(&check, &program) >= 0) {
            fprintf(stderr,
                    "conformance: seed %llu: the loop is not as the model says\n",
                    (unsigned long long)program.seed);
            return 1;
        }
        print_js_trace(stdout, &program, &seen);
    }
    return 0;
}
