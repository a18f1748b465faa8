/* SPDX-License-Identifier: MIT */
/*
 * Runs one case in a child process beside a watchdog, so that a crash or a hang is a failure with
 * its reason and the suite goes on.
 *
 * The child writes to a pipe, kept in memory and shown only if the case fails, and leaves its
 * verdict in shared memory. The parent waits on the pipe and on a pidfd until the deadline; then it
 * asks the child for a dump of its loops, adds what the kernel knows of its threads, and kills it.
 * An exit status that does not fit the verdict (sanitizer report, leak, abort) is a failure too.
 */
#include "runner.h"
#include "../sim/faults.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_FAILED = 99, OUTPUT_MAX = 64 * 1024, WATCHDOG_MS = 20000, DUMP_MS = 500 };

/* ---- the list of cases ---- */

static struct conf_case *all_cases;

/* Insertion by file and line: the order of constructors is the linker's, ours is the reader's. */
void conf_register(struct conf_case *entry)
{
    struct conf_case **link = &all_cases;
    while (*link != NULL) {
        int order = strcmp((*link)->file, entry->file);
        if (order > 0 || (order == 0 && (*link)->line > entry->line))
            break;
        link = &(*link)->next;
    }
    entry->next = *link;
    *link = entry;
}

struct conf_case *conf_cases(void)
{
    return all_cases;
}

bool conf_clause_matches(const char *clauses, const char *wanted)
{
    size_t length = strlen(wanted);
    for (const char *at = clauses; *at != '\0'; at++) {
        if ((at != clauses && at[-1] != ' ') || strncmp(at, wanted, length) != 0)
            continue;
        char after = at[length];
        bool whole_group = length == 1 && after >= '0' && after <= '9';
        if (after == ' ' || after == '\0' || whole_group)
            return true;
    }
    return false;
}

unsigned conf_slowness(void)
{
#if defined(__SANITIZE_THREAD__)
    return 4;
#elif defined(__SANITIZE_ADDRESS__)
    return 3;
#else
    return 1;
#endif
}

/* ---- child ---- */

static const struct conf_case *current; /* the case of this child */
static struct conf_shared *shared_with_parent;

static void dump_loops(int signal_number)
{
    (void)signal_number;
    conf_child_dump(); /* NOLINT(bugprone-signal-handler): a last word of what hangs */
}

/* Was it for want of something that the test has refused? */
static void note_refusals(void)
{
    for (int call = 0; call < SIM_CALLS; call++) {
        if (sim_faults_hit((enum sim_call)call) > 0) /* NOLINT(bugprone-signal-handler): it reads */
            atomic_store(&shared_with_parent->refused, true);
    }
}

/* The process ends all the same. */
static void on_abort(int signal_number)
{
    note_refusals();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* cmocka turns these into failures by longjmp, which is wrong on a foreign thread: a crash shall
 * end the child, by the default action or by the handler of a sanitizer. */
static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS};
enum { FATAL_SIGNALS = sizeof fatal_signals / sizeof fatal_signals[0] };
static struct sigaction actions_before_cmocka[FATAL_SIGNALS];

static void run_under_cmocka(void **state)
{
    for (size_t i = 0; i < FATAL_SIGNALS; i++)
        sigaction(fatal_signals[i], &actions_before_cmocka[i], NULL);
    current->run(state);
    if (!conf_child_is_clean())
        fail_msg("failures were recorded outside of the main thread");
}

static uint64_t hash_name(const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
    return hash;
}

static _Noreturn void child_main(const struct conf_request *request,
                                 const struct conf_case *entry,
                                 uint64_t seed,
                                 struct conf_shared *shared,
                                 int output)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    close(output);
    signal(SIGUSR2, dump_loops);
    shared_with_parent = shared;
    signal(SIGABRT, on_abort);
    signal(SIGTRAP, on_abort); /* some libraries end by a breakpoint */
    setvbuf(stdout, NULL, _IOLBF, 0);
    conf_child_begin(entry, request->mode, seed ^ hash_name(entry->name), shared);
    current = entry;
    for (size_t i = 0; i < FATAL_SIGNALS; i++)
        sigaction(fatal_signals[i], NULL, &actions_before_cmocka[i]);
    const struct CMUnitTest test = {entry->name, run_under_cmocka, NULL, NULL, NULL};
    int failed = _cmocka_run_group_tests(entry->name, &test, 1, NULL, NULL);
    fflush(NULL);
    if (failed != 0) { /* threads of the case may still run: leave without destructors */
        note_refusals();
        atomic_store(&shared->verdict, CONF_FAIL);
        _exit(EXIT_FAILED);
    }
    if (atomic_load(&shared->verdict) == CONF_NOT_RUN)
        atomic_store(&shared->verdict, CONF_PASS);
    exit(EXIT_SUCCESS); /* not _exit: the leak check of a sanitizer runs here */
}

/* ---- parent ---- */

/* What a child has written so far. */
struct capture {
    char *text; /* OUTPUT_MAX + 1 bytes */
    size_t length;
    bool ended;
};

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Keeps the last OUTPUT_MAX bytes at most: what matters of a long story is its end. */
static void capture_add(struct capture *capture, const char *text, size_t length)
{
    if (capture->length + length > OUTPUT_MAX) {
        size_t dropped = capture->length / 2;
        memmove(capture->text, capture->text + dropped, capture->length - dropped);
        capture->length -= dropped;
    }
    memcpy(capture->text + capture->length, text, length);
    capture->length += length;
    capture->text[capture->length] = '\0';
}

static void capture_read(struct capture *capture, int fd)
{
    char chunk[4096];
    ssize_t got;
    while ((got = read(fd, chunk, sizeof chunk)) > 0)
        capture_add(capture, chunk, (size_t)got);
    if (got == 0)
        capture->ended = true;
}

static void capture_file(struct capture *capture, const char *path, const char *label)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    char text[256];
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0)
        return;
    text[got] = '\0';
    text[strcspn(text, "\n")] = '\0';
    capture_add(capture, label, strlen(label));
    capture_add(capture, " ", 1);
    capture_add(capture, text, strlen(text));
    capture_add(capture, "\n", 1);
}

/* Where each thread of the hanging child stands, as far as the kernel tells. */
static void capture_threads(struct capture *capture, pid_t child)
{
    for (pid_t thread = child, misses = 0; misses < 200; thread++) {
        char path[64], label[64];
        snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", (int)child, (int)thread);
        if (access(path, F_OK) != 0) {
            misses++;
            continue;
        }
        snprintf(label, sizeof label, "thread %d: system call", (int)thread);
        capture_file(capture, path, label);
        snprintf(path, sizeof path, "/proc/%d/task/%d/wchan", (int)child, (int)thread);
        snprintf(label, sizeof label, "thread %d: waits in", (int)thread);
        capture_file(capture, path, label);
    }
}

/* True if the child ended before the deadline. */
static bool watch(struct capture *capture, int output, int pidfd, double deadline)
{
    for (;;) {
        struct pollfd fds[] = {{pidfd, POLLIN, 0}, {capture->ended ? -1 : output, POLLIN, 0}};
        double left = deadline - now_ms();
        if (left <= 0)
            return false;
        if (poll(fds, 2, (int)left + 1) < 0 && errno != EINTR)
            return false;
        if (!capture->ended)
            capture_read(capture, output);
        if (fds[0].revents != 0)
            return true;
    }
}

static void take_line_after(const char *text, const char *mark, char *out, size_t size)
{
    const char *at = strstr(text, mark);
    out[0] = '\0';
    if (at == NULL)
        return;
    at += strlen(mark);
    at += strspn(at, " -\n");
    snprintf(out, size, "%.*s", (int)strcspn(at, "\n"), at);
}

/* The reason of a failed assertion, from what cmocka printed. */
static void assertion_reason(const char *output, char *out, size_t size)
{
    char what[300], where[150];
    take_line_after(output, "[  ERROR   ]", what, sizeof what);
    take_line_after(output, "[   LINE   ]", where, sizeof where);
    char *tail = strstr(where, ": error: Failure!");
    if (tail != NULL)
        *tail = '\0';
    snprintf(out, size, "%s%s%s", where, where[0] != '\0' ? ": " : "", what);
    if (out[0] == '\0')
        snprintf(out, size, "the case failed without saying why");
}

static void judge(struct conf_result *result,
                  const struct conf_shared *shared,
                  const struct capture *capture,
                  int status,
                  bool in_time,
                  unsigned limit_ms)
{
    size_t size = sizeof result->reason;
    int verdict = atomic_load(&shared->verdict);
    bool exited = WIFEXITED(status);
    result->verdict = CONF_FAIL;
    if (!in_time) {
        snprintf(result->reason, size, "hangs: no end after %u ms", limit_ms);
    } else if (WIFSIGNALED(status)) {
        snprintf(result->reason, size, "killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
        result->aborted = WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGTRAP;
    } else if (exited && WEXITSTATUS(status) == 0 && (verdict == CONF_PASS || verdict == CONF_NA)) {
        result->verdict = (enum conf_verdict)verdict;
        snprintf(result->reason, size, "%s", shared->reason);
    } else if (exited && WEXITSTATUS(status) == 0 && verdict == CONF_DEVIATION) {
        snprintf(result->reason, size, "%s", shared->reason); /* if it is declared, see below */
    } else if (exited && WEXITSTATUS(status) == EXIT_FAILED && verdict == CONF_FAIL) {
        if (shared->reason[0] != '\0')
            snprintf(result->reason, size, "%s", shared->reason);
        else
            assertion_reason(capture->text, result->reason, size);
    } else {
        snprintf(result->reason,
                 size,
                 "the process ended with status %d%s",
                 WEXITSTATUS(status),
                 verdict == CONF_PASS ? " after the case had passed (sanitizer report or leak?)"
                                      : " in the middle of the case (sanitizer report?)");
    }
}

static unsigned watchdog_ms(const struct conf_request *request, const struct conf_case *entry)
{
    if (entry->timeout_ms != 0)
        return entry->timeout_ms;
    if (request->timeout_s != 0)
        return request->timeout_s * 1000;
#ifdef VELO_COVERAGE
    const bool slow = true; /* not optimised, and each line is counted */
#else
    const bool slow = conf_slowness() > 1;
#endif
    return slow ? 4 * WATCHDOG_MS : WATCHDOG_MS;
}

/* Fork, watch, judge. */
static void run_once(const struct conf_request *request,
                     const struct conf_case *entry,
                     uint64_t seed,
                     struct conf_shared *shared,
                     struct conf_result *result)
{
    unsigned limit_ms = watchdog_ms(request, entry);
    struct capture capture = {.text = malloc(OUTPUT_MAX + 1)};
    int ends[2];
    double begin = now_ms();
    memset(shared, 0, sizeof *shared);
    fflush(NULL);
    if (capture.text == NULL || pipe2(ends, O_CLOEXEC) != 0) {
        perror("conformance: pipe");
        exit(1);
    }
    capture.text[0] = '\0';
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        child_main(request, entry, seed, shared, ends[1]);
    }
    int pidfd = child > 0 ? pidfd_open(child, 0) : -1;
    if (pidfd < 0) {
        perror("conformance: fork");
        exit(1);
    }
    close(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    bool in_time = watch(&capture, ends[0], pidfd, begin + limit_ms);
    if (!in_time) {
        kill(child, SIGUSR2);
        watch(&capture, ends[0], pidfd, now_ms() + DUMP_MS);
        capture_threads(&capture, child);
    }
    kill(-child, SIGKILL);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    if (!capture.ended)
        capture_read(&capture, ends[0]);
    close(ends[0]);
    close(pidfd);
    judge(result, shared, &capture, status, in_time, limit_ms);
    result->ms += now_ms() - begin;
    result->output = capture.text;
}

/* ---- what does not need a child ---- */

static const char *const capability_names[] = {"GLOBAL_FIFO",
                                               "PRIORITY",
                                               "MICROTASKS",
                                               "IMMEDIATES",
                                               "TIMERS",
                                               "TIMER_ANY_THREAD",
                                               "FDS",
                                               "FD_EDGE",
                                               "FAST_PATH",
                                               "UNTIL_IDLE",
                                               "BATCH",
                                               "BOUNDED",
                                               "METRICS",
                                               "BACKEND_FD",
                                               "OFFLOAD",
                                               "SIGNAL_SAFE"};

const char *conf_capability_name(unsigned bit)
{
    size_t known = sizeof capability_names / sizeof capability_names[0];
    return bit < known ? capability_names[bit] : NULL;
}

/* True, with the reason, if this contestant need not run the case in this mode. */
static bool is_not_applicable(const struct conf_request *request,
                              const struct conf_case *entry,
                              char *reason,
                              size_t size)
{
    uint64_t needs = entry->needs & ~CONF_OWN_MODE;
    uint64_t missing = needs & ~velo_impl()->capabilities;
    bool forced = request->mode == VELO_FAST_FORCED;
    if (missing != 0) {
        unsigned bit = (unsigned)__builtin_ctzll(missing);
        const char *name = conf_capability_name(bit);
        snprintf(reason, size, "does not declare VELO_CAP_%s", name != NULL ? name : "?");
        return true;
    }
    if (forced && (velo_impl()->capabilities & VELO_CAP_FAST_PATH) == 0) {
        snprintf(reason, size, "mode forced: does not declare VELO_CAP_FAST_PATH");
        return true;
    }
    uint64_t descriptors = VELO_CAP_FDS | VELO_CAP_FD_EDGE | VELO_CAP_BACKEND_FD;
    if (forced && (needs & descriptors) != 0 && (entry->needs & CONF_OWN_MODE) == 0) {
        snprintf(reason, size, "descriptors are refused while the fast path is forced (P1)");
        return true;
    }
    return false;
}

/* Does [deviation] say what has been seen? Never another crash or a hang. */
static bool is_declared(const struct velo_deviation *deviation,
                        const struct conf_result *result,
                        const struct conf_shared *shared)
{
    int verdict = atomic_load(&shared->verdict);
    bool refused = atomic_load(&shared->refused);
    if (!conf_clause_matches(result->entry->clauses, deviation->clause))
        return false;
    if (deviation->when == VELO_DEVIATES_BY_ABORT)
        return verdict == CONF_DEVIATION || (result->aborted && refused);
    return verdict == CONF_FAIL && (refused || deviation->when == VELO_DEVIATES_ALWAYS);
}

static void excuse_deviation(struct conf_result *result, const struct conf_shared *shared)
{
    const struct velo_deviation *deviation = velo_impl()->deviations;
    if (result->verdict != CONF_FAIL || deviation == NULL)
        return;
    for (; deviation->clause != NULL; deviation++) {
        if (!is_declared(deviation, result, shared))
            continue;
        char found[256];
        snprintf(found, sizeof found, "%.*s", (int)sizeof found - 1, result->reason);
        snprintf(result->reason,
                 sizeof result->reason,
                 "%s: %s (seen: %s)",
                 deviation->clause,
                 deviation->reason,
                 found);
        result->verdict = CONF_DEVIATION;
        return;
    }
}

void conf_run_case(const struct conf_request *request,
                   const struct conf_case *entry,
                   struct conf_result *result)
{
    *result = (struct conf_result){.entry = entry, .seed = request->seed};
    if (is_not_applicable(request, entry, result->reason, sizeof result->reason)) {
        result->verdict = CONF_NA;
        return;
    }
    struct conf_shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("conformance: mmap");
        exit(1);
    }
    for (unsigned i = 0; i < request->repeat; i++) {
        free(result->output);
        result->output = NULL;
        result->seed = request->seed + i;
        run_once(request, entry, result->seed, shared, result);
        if (result->verdict != CONF_PASS)
            break;
    }
    excuse_deviation(result, shared);
    if (result->verdict != CONF_FAIL) {
        free(result->output);
        result->output = NULL;
    }
    munmap(shared, sizeof *shared);
}
