/* SPDX-License-Identifier: MIT */
/* files.c - see files.h. */
#include "files.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* All that is left of [file] as text; NULL with errno set. */
static char *read_rest(FILE *file)
{
    size_t used = 0, room = 16384;
    char *text = malloc(room);
    while (text) {
        used += fread(text + used, 1, room - used - 1, file);
        if (feof(file)) {
            text[used] = '\0';
            return text;
        }
        char *more = ferror(file) ? NULL : realloc(text, room *= 2);
        if (!more)
            free(text);
        text = more;
    }
    return NULL;
}

char *file_read(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    char *text = read_rest(file);
    fclose(file);
    return text;
}

int file_begin(struct file_out *out, const char *dir, const char *name)
{
    int length = snprintf(out->path, sizeof out->path, "%s/%s", dir, name);
    if (length < 0 || (size_t)length >= sizeof out->path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(out->temporary, sizeof out->temporary, "%s.new", out->path);
    out->file = fopen(out->temporary, "w");
    return out->file ? 0 : -1;
}

int file_commit(struct file_out *out)
{
    bool failed = ferror(out->file) != 0;
    int cause = errno;
    if (fclose(out->file) != 0) {
        failed = true;
        cause = errno;
    }
    if (!failed && rename(out->temporary, out->path) == 0)
        return 0;
    if (!failed)
        cause = errno;
    unlink(out->temporary);
    errno = cause;
    return -1;
}

void file_abandon(struct file_out *out)
{
    int cause = errno;
    fclose(out->file);
    unlink(out->temporary);
    errno = cause;
}

static bool holds_templates(const char *reports)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/templates/page.css", reports);
    return access(path, R_OK) == 0;
}

static bool above_program(char *path, size_t size)
{
    char program[2048];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        return false;
    program[length] = '\0';
    for (char *slash = strrchr(program, '/'); slash; slash = strrchr(program, '/')) {
        *slash = '\0';
        snprintf(path, size, "%s/reports", program);
        if (holds_templates(path))
            return true;
    }
    return false;
}

int reports_home(char *path, size_t size)
{
    const char *home = getenv("VELO_HOME");
    if (home) {
        snprintf(path, size, "%s/reports", home);
        if (holds_templates(path))
            return 0;
    }
    if (above_program(path, size))
        return 0;
    snprintf(path, size, "reports");
    return holds_templates(path) ? 0 : -1;
}
