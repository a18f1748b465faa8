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

enum { CAPTURE_MAX_BYTES = 16 << 20 };

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

int child_start(const struct child_request *request, struct child *child)
{
    *child = (struct child){.request = *request, .pidfd = -1, .started_ms = now_ms()};
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
    if (read(report[0], &child->exec_failure, sizeof(int)) != (ssize_t)sizeof(int))
        child->exec_failure = 0; /* closed by a successful exec */
    close(report[0]);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    capture_init(&child->out, out[0]);
    capture_init(&child->err, err[0]);
    child->pidfd = pidfd_open(child->pid, 0);
    return 0;
}

static bool handle_pipe(const struct pollfd *polled, struct child_capture *capture)
{
    if (capture->fd >= 0 && (polled->revents & (POLLIN | POLLHUP | POLLERR)) != 0)
        capture_read(capture);
    return capture->fd >= 0;
}

/* Waits until the child is gone, the time is up, or this program is to stop. */
static enum child_end attend(struct child *child)
{
    const struct child_request *request = &child->request;
    for (;;) {
        struct pollfd polled[] = {
            {.fd = child->pidfd, .events = POLLIN},
            {.fd = child->out.fd, .events = POLLIN},
            {.fd = child->err.fd, .events = POLLIN},
            {.fd = request->interrupt != NULL ? request->interrupt->fd : -1, .events = POLLIN},
        };
        int wait_ms = -1;
        if (request->timeout_ms > 0) {
            double left_ms = (double)request->timeout_ms - (now_ms() - child->started_ms);
            if (left_ms <= 0)
                return CHILD_TIMEOUT;
            wait_ms = (int)left_ms + 1;
        }
        if (request->interrupt != NULL && request->interrupt->pending)
            return CHILD_INTERRUPTED;
        if (poll(polled, 4, wait_ms) < 0 && errno != EINTR)
            return CHILD_TIMEOUT;
        handle_pipe(&polled[1], &child->out);
        handle_pipe(&polled[2], &child->err);
        if (request->interrupt != NULL && interrupt_seen(request->interrupt))
            return CHILD_INTERRUPTED;
        if ((polled[0].revents & POLLIN) != 0)
            return CHILD_EXITED;
    }
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

void child_wait(struct child *child, struct child_result *result)
{
    enum child_end end = attend(child);
    *result = (struct child_result){.end = end, .wall_ms = now_ms() - child->started_ms};
    if (end != CHILD_EXITED)
        kill(-child->pid, SIGKILL);
    int status = 0;
    while (wait4(child->pid, &status, 0, &result->usage) < 0 && errno == EINTR)
        continue;
    kill(-child->pid, SIGKILL); /* what the child started and left behind */
    drain(&child->out);
    drain(&child->err);
    close(child->pidfd);
    result->out = child->out.text;
    result->err = child->err.text;
    if (end == CHILD_EXITED && WIFSIGNALED(status))
        result->end = CHILD_SIGNALLED;
    result->code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    if (child->exec_failure != 0) {
        result->end = CHILD_NOT_STARTED;
        result->code = child->exec_failure;
    }
}

int child_run(const struct child_request *request, struct child_result *result)
{
    struct child child;
    int rc = child_start(request, &child);
    if (rc == 0)
        child_wait(&child, result);
    return rc;
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
