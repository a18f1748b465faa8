/* SPDX-License-Identifier: MIT */
/* progress.c - see progress.h. */
#include "progress.h"

#include "clock.h"
#include "screen.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PLAIN_EVERY_S = 10 };

void progress_init(struct progress *progress)
{
    *progress = (struct progress){.live = isatty(STDERR_FILENO) == 1};
    progress->said_at = clock_seconds();
}

void progress_clear(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}

void progress_say(struct progress *progress, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    progress_clear(progress);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

void progress_tell(struct progress *progress, const char *format, ...)
{
    enum { INDENT = 4 };
    struct screen screen = {.file = stderr, .columns = text_columns(STDERR_FILENO)};
    char *line = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    progress_clear(progress);
    if (progress->live)
        screen_wrap(&screen, line, INDENT);
    else
        fprintf(stderr, "%s\n", line);
    free(line);
}

/* One cell short of the full width: a line that fills it would wrap on some terminals. */
static void show_live(struct progress *progress, const char *line)
{
    fprintf(stderr, "\r\033[K%.*s", text_columns(STDERR_FILENO) - 1, line);
    fflush(stderr);
    progress->shown = true;
}

void progress_status(struct progress *progress, const char *format, ...)
{
    double now = clock_seconds();
    if (!progress->live && now - progress->said_at < PLAIN_EVERY_S)
        return;
    progress->said_at = now;
    char *line = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    if (progress->live)
        show_live(progress, line);
    else
        fprintf(stderr, "%s\n", line);
    free(line);
}

void progress_time(double seconds, char text[16])
{
    unsigned whole = seconds <= 0 ? 0 : seconds < 359999 ? (unsigned)(seconds + 0.5) : 359999;
    if (whole >= 3600)
        snprintf(text, 16, "%u:%02u:%02u", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(text, 16, "%u:%02u", whole / 60, whole % 60);
}
