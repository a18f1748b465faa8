/* SPDX-License-Identifier: MIT */
/* gnuplot.c - see gnuplot.h. gnuplot runs inside plots/, so that its script names plain files. */
#include "gnuplot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_FOUND 127

/* A picture of an earlier report must not outlive a failure to draw this one. */
static void picture_forget(const struct picture *picture)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s.svg", picture->dir, picture->name);
    unlink(path);
}

int picture_begin(struct picture *picture, char *err, size_t err_size)
{
    char name[80];
    snprintf(name, sizeof name, "%s.dat", picture->name);
    if (file_begin(&picture->data, picture->dir, name) != 0)
        goto fail;
    snprintf(name, sizeof name, "%s.gp", picture->name);
    if (file_begin(&picture->script, picture->dir, name) != 0)
        goto fail_data;
    fprintf(picture->script.file,
            "# Written by velo report; draws %s.svg: gnuplot %s.gp\n"
            "name = '%s'\ndata = '%s.dat'\n",
            picture->name,
            picture->name,
            picture->name,
            picture->name);
    picture_forget(picture);
    return 0;
fail_data:
    file_abandon(&picture->data);
fail:
    snprintf(err, err_size, "%s/%s: %s", picture->dir, name, strerror(errno));
    return -1;
}

void picture_quote(struct picture *picture, const char *text)
{
    fputc('\'', picture->script.file);
    for (; *text; text++) {
        if (*text == '\'')
            fputc('\'', picture->script.file);
        fputc((unsigned char)*text < 0x20 ? ' ' : *text, picture->script.file);
    }
    fputc('\'', picture->script.file);
}

static void child(const char *dir, const char *script, int output)
{
    if (chdir(dir) != 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
        _exit(1);
    execlp("gnuplot", "gnuplot", script, (char *)NULL);
    _exit(NOT_FOUND);
}

/* Runs gnuplot on [script]; what it says goes to [said]. Returns its exit status, -1 on failure. */
static int run(const char *dir, const char *script, char *said, size_t size)
{
    int ends[2], status;
    size_t used = 0;
    said[0] = '\0';
    if (pipe(ends) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child(dir, script, ends[1]);
    }
    close(ends[1]);
    char rest[256];
    ssize_t n;
    while (pid > 0 && (n = read(ends[0],
                                used < size - 1 ? said + used : rest,
                                used < size - 1 ? size - 1 - used : sizeof rest)) > 0)
        if (used < size - 1)
            said[used += (size_t)n] = '\0';
    close(ends[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int add_template(struct picture *picture, const char *kind, char *err, size_t err_size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/plots/%s.gp", picture->home, kind);
    char *text = file_read(path);
    if (!text) {
        snprintf(err, err_size, "%s: %s", path, strerror(errno));
        return -1;
    }
    fputs(text, picture->script.file);
    free(text);
    return 0;
}

int picture_end(struct picture *picture, char *err, size_t err_size)
{
    char script[80], said[512];
    int rc = add_template(picture, "style", err, err_size);
    if (rc == 0)
        rc = add_template(picture, picture->kind, err, err_size);
    if (file_commit(&picture->data) != 0 || file_commit(&picture->script) != 0) {
        snprintf(err, err_size, "%s/%s: %s", picture->dir, picture->name, strerror(errno));
        return -1;
    }
    if (rc != 0)
        return -1;
    snprintf(script, sizeof script, "%s.gp", picture->name);
    rc = run(picture->dir, script, said, sizeof said);
    if (rc == NOT_FOUND)
        snprintf(err,
                 err_size,
                 "gnuplot is not installed, so the report has no pictures; install "
                 "it (apt-get install gnuplot-nox) and run: velo report");
    else if (rc != 0)
        snprintf(err,
                 err_size,
                 "gnuplot failed on %s/%s: %s",
                 picture->dir,
                 script,
                 *said ? said : "no message");
    return rc == 0 ? 0 : -1;
}
