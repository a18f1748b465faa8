/* SPDX-License-Identifier: MIT */
/* text.c - see text.h. */
#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void *must(void *memory)
{
    if (memory == NULL) {
        fputs("velo: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

char *text_format(const char *format, ...)
{
    char *result = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&result, format, arguments) < 0)
        result = NULL;
    va_end(arguments);
    return must(result);
}

char *text_copy(const char *source)
{
    return must(strdup(source));
}

void *text_alloc(size_t bytes)
{
    return must(calloc(1, bytes > 0 ? bytes : 1));
}

/* Reads until the end, because files under /proc and /sys have no size. */
char *text_read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    size_t used = 0;
    size_t room = 4096;
    char *text = must(malloc(room));
    size_t got;
    while ((got = fread(text + used, 1, room - used - 1, file)) > 0) {
        used += got;
        if (room - used < 2)
            text = must(realloc(text, room *= 2));
    }
    int failure = ferror(file) ? errno : 0;
    fclose(file);
    if (failure != 0) {
        free(text);
        errno = failure;
        return NULL;
    }
    text[used] = '\0';
    if (size != NULL)
        *size = used;
    return text;
}

int text_append(int fd, const char *bytes, size_t size)
{
    off_t before = lseek(fd, 0, SEEK_END);
    size_t done = 0;
    while (done < size) {
        ssize_t wrote = write(fd, bytes + done, size - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            int failure = wrote < 0 ? errno : ENOSPC;
            if (before >= 0 && done > 0 && ftruncate(fd, before) != 0)
                failure = errno;
            return -failure;
        }
        done += (size_t)wrote;
    }
    return 0;
}

char *text_first_line(const char *path, const char *otherwise)
{
    char *text = text_read_file(path, NULL);
    if (text == NULL)
        return text_copy(otherwise);
    text[strcspn(text, "\n")] = '\0';
    return text;
}

static bool is_plain_word(const char *word)
{
    static const char safe[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-=./:,@%+~";
    return word[0] != '\0' && strspn(word, safe) == strlen(word);
}

static void put_word(FILE *line, const char *word)
{
    if (is_plain_word(word)) {
        fputs(word, line);
        return;
    }
    fputc('\'', line);
    for (const char *at = word; *at != '\0'; at++) {
        if (*at == '\'')
            fputs("'\\''", line);
        else
            fputc(*at, line);
    }
    fputc('\'', line);
}

char *text_command(const char *const *argv)
{
    char *text = NULL;
    size_t size = 0;
    FILE *line = must(open_memstream(&text, &size));
    for (size_t i = 0; argv[i] != NULL; i++) {
        if (i > 0)
            fputc(' ', line);
        put_word(line, argv[i]);
    }
    fclose(line);
    return must(text);
}

char *text_last_line(const char *output)
{
    size_t end = strlen(output);
    while (end > 0 && strchr("\n\r \t", output[end - 1]) != NULL)
        end--;
    size_t start = end;
    while (start > 0 && output[start - 1] != '\n')
        start--;
    return must(strndup(output + start, end - start));
}

bool text_is_fancy(int fd)
{
    const char *no_color = getenv("NO_COLOR");
    return isatty(fd) && (no_color == NULL || no_color[0] == '\0');
}

int text_columns(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        return size.ws_col;
    const char *columns = getenv("COLUMNS");
    int width = columns != NULL ? atoi(columns) : 0;
    return width >= 20 && width <= 1000 ? width : 80;
}

void say_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("velo: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

void say_message(void *user, const char *message)
{
    (void)user;
    say_error("%s", message);
}
