/* SPDX-License-Identifier: MIT */
/* child.c - see child.h. */
#include "child.h"

#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    CAPTURE_MAX_BYTES = 16 << 20,
    LOOK_MS = 1000,    /* a look at the clock while nothing happens */
    LOOK_LATE_MS = 100 /* more than any scheduler that has a processor to give */
};

static double stalled_ms; /* of all waiting so far; who is under way is met by it, whoever is waited
                             for */

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void capture_init(struct child_capture *capture, int fd)
{
    *capture = (struct child_capture){.fd = fd, .room = 4096};
    capture->text = text_alloc(capture->room);
}

/* Reads what is there. What goes beyond CAPTURE_MAX_BYTES is read and thrown away. */
static void capture_read(struct child_capture *capture)
{
    for (;;) {
        if (capture->room - capture->used < 2) {
            char *larger = realloc(capture->text, capture->room * 2);
            if (larger == NULL)
                abort();
            capture->text = larger;
            capture->room *= 2;
        }
        ssize_t got =
            read(capture->fd, capture->text + capture->used, capture->room - capture->used - 1);
        if (got > 0) {
            if (capture->used + (size_t)got < CAPTURE_MAX_BYTES)
                capture->used += (size_t)got;
            continue;
        }
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            close(capture->fd);
            capture->fd = -1;
        }
        capture->text[capture->used] = '\0';
        return;
    }
}

static void set_environment(unsigned pad)
{
    char padding[4096 + 1];
    if (pad >= sizeof(padding))
        pad = sizeof(padding) - 1;
    memset(padding, 'x', pad);
    padding[pad] = '\0';
    setenv("VELO_ENV_PAD", padding, 1);
}

/* A layout of its own for each run, also when this program was started without (setarch -R). */
static void randomize_layout(void)
{
    int now = personality(0xffffffff); /* asks */
    if (now != -1 && (now & ADDR_NO_RANDOMIZE) != 0)
        personality((unsigned long)(now & ~ADDR_NO_RANDOMIZE));
}

/* The child between fork and exec; [report] tells the parent why exec failed. */
static void become(const struct child_request *request, int out, int err, int report, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before the line above */
        _exit(127);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    set_environment(request->env_pad);
    randomize_layout();
    execvp(request->argv[0], (char *const *)(uintptr_t)request->argv); /* exec takes it as it is */
    int failure = errno;
    if (write(report, &failure, sizeof(failure)) < 0)
        _exit(126);
    _exit(127);
}

/* The rest of a pipe whose writers are gone. */
static void drain(struct child_capture *capture)
{
    if (capture->fd >= 0)
        capture_read(capture);
    if (capture->fd >= 0)
        close(capture->fd);
    capture->fd = -1;
}

/* Takes the status of a child that is gone or was killed, and with it all that it left behind. */
static int bury(struct child *child, struct child_result *result)
{
    *result = (struct child_result){0};
    int status = 0;
    while (wait4(child->pid, &status, 0, &result->usage) < 0 && errno == EINTR)
        continue;
    kill(-child->pid, SIGKILL); /* what the child started and left behind */
    drain(&child->out);
    drain(&child->err);
    if (child->pidfd >= 0)
        close(child->pidfd);
    result->out = child->out.text;
    result->err = child->err.text;
    return status;
}

/* What exec failed with; 0 = a successful one closed the pipe. */
static int read_report(int fd)
{
    int failure;
    ssize_t got;
    while ((got = read(fd, &failure, sizeof(failure))) < 0 && errno == EINTR)
        continue;
    return got == (ssize_t)sizeof(failure) ? failure : 0;
}

int child_start(const struct child_request *request, struct child *child)
{
    *child = (struct child){
        .request = *request, .pidfd = -1, .started_ms = now_ms(), .stalled_before_ms = stalled_ms};
    int out[2] = {-1, -1}, err[2] = {-1, -1}, report[2] = {-1, -1};
    int rc = 0;
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0 || pipe2(report, O_CLOEXEC) != 0)
        rc = -errno;
    pid_t parent = getpid();
    if (rc == 0 && (child->pid = fork()) < 0)
        rc = -errno;
    if (rc == 0 && child->pid == 0)
        become(request, out[1], err[1], report[1], parent);
    close(out[1]);
    close(err[1]);
    close(report[1]);
    if (rc != 0) {
        close(out[0]);
        close(err[0]);
        close(report[0]);
        return rc;
    }
    setpgid(child->pid, child->pid); /* both sides do it, so that it holds whoever is first */
    child->exec_failure = read_report(report[0]);
    close(report[0]);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    capture_init(&child->out, out[0]);
    capture_init(&child->err, err[0]);
    child->pidfd = pidfd_open(child->pid, 0);
    rc = child->pidfd < 0 ? -errno : 0;
    if (rc != 0) { /* poll() passes over -1: whoever cannot be waited for would seem to hang */
        struct child_result nobody;
        kill(-child->pid, SIGKILL);
        bury(child, &nobody);
        child_result_free(&nobody);
    }
    return rc;
}

static bool handle_pipe(const struct pollfd *polled, struct child_capture *capture)
{
    if (capture->fd >= 0 && (polled->revents & (POLLIN | POLLHUP | POLLERR)) != 0)
        capture_read(capture);
    return capture->fd >= 0;
}

/* How long poll() may wait; 0 = the time is up. */
static int left_ms(const struct child *child)
{
    if (child->request.timeout_ms == 0)
        return LOOK_MS;
    const double left = (double)child->request.timeout_ms - (now_ms() - child->started_ms);
    return left <= 0 ? 0 : left < LOOK_MS ? (int)left + 1 : LOOK_MS;
}

/* poll(), which takes note of how much later than it was to it came back. */
static int look(struct pollfd *polled, nfds_t count, int wait_ms)
{
    const double before_ms = now_ms();
    const int ready = poll(polled, count, wait_ms);
    const int failure = errno;
    const double late_ms = now_ms() - before_ms - wait_ms;
    stalled_ms += late_ms > LOOK_LATE_MS ? late_ms : 0;
    errno = failure;
    return ready;
}

/*
 * Waits until the child is gone, the time is up, or this program is to stop. Whoever starts several
 * may come here late, so the time is only held against a child that is still there.
 * Returns: 0; -errno when it cannot be waited for, which says nothing about the child.
 */
static int attend(struct child *child, enum child_end *end)
{
    const struct child_request *request = &child->request;
    for (;;) {
        struct pollfd polled[] = {
            {.fd = child->pidfd, .events = POLLIN},
            {.fd = child->out.fd, .events = POLLIN},
            {.fd = child->err.fd, .events = POLLIN},
            {.fd = request->interrupt != NULL ? request->interrupt->fd : -1, .events = POLLIN},
        };
        const int wait_ms = left_ms(child);
        *end = CHILD_INTERRUPTED;
        if (request->interrupt != NULL && request->interrupt->pending)
            return 0;
        const int ready = look(polled, 4, wait_ms);
        if (ready < 0 && errno != EINTR)
            return -errno;
        if (ready < 0)
            continue;
        handle_pipe(&polled[1], &child->out);
        handle_pipe(&polled[2], &child->err);
        if (request->interrupt != NULL && interrupt_seen(request->interrupt))
            return 0;
        *end = (polled[0].revents & POLLIN) != 0 ? CHILD_EXITED : CHILD_TIMEOUT;
        if (*end == CHILD_EXITED || wait_ms == 0)
            return 0;
    }
}

int child_wait(struct child *child, struct child_result *result)
{
    enum child_end end;
    const int rc = attend(child, &end);
    const double wall_ms = now_ms() - child->started_ms;
    if (rc != 0 || end != CHILD_EXITED)
        kill(-child->pid, SIGKILL);
    const int status = bury(child, result);
    result->wall_ms = wall_ms;
    result->stall_ms = stalled_ms - child->stalled_before_ms;
    result->end = end == CHILD_EXITED && WIFSIGNALED(status) ? CHILD_SIGNALLED : end;
    result->code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    if (child->exec_failure != 0) {
        result->end = CHILD_NOT_STARTED;
        result->code = child->exec_failure;
    }
    if (rc != 0)
        child_result_free(result);
    return rc;
}

int child_run(const struct child_request *request, struct child_result *result)
{
    struct child child;
    int rc = child_start(request, &child);
    return rc == 0 ? child_wait(&child, result) : rc;
}

void child_result_free(struct child_result *result)
{
    free(result->out);
    free(result->err);
    *result = (struct child_result){0};
}

char *child_explain(const struct child_result *result, uint64_t timeout_ms)
{
    switch (result->end) {
    case CHILD_EXITED:
        return text_format("exit status %d", result->code);
    case CHILD_SIGNALLED:
        return text_format("crashed: signal %d (%s)", result->code, strsignal(result->code));
    case CHILD_TIMEOUT:
        return text_format("hung: killed after %.3g s", (double)timeout_ms / 1e3);
    case CHILD_INTERRUPTED:
        return text_copy("interrupted");
    case CHILD_NOT_STARTED:
        return text_format("could not be started: %s", strerror(result->code));
    }
    return text_copy("unknown end");
}
