/* SPDX-License-Identifier: MIT */
/* json.c - see json.h. */
#include "json.h"

#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *json_text(const json_t *object, const char *key, const char *otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) ? json_string_value(value) : otherwise;
}

double json_double(const json_t *object, const char *key, double otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

json_int_t json_int(const json_t *object, const char *key, json_int_t otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool json_bool(const json_t *object, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

static int write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    FILE *file = fdopen(fd, "w");
    if (file == NULL) {
        close(fd);
        return -ENOMEM;
    }
    bool good =
        fputs(text, file) >= 0 && fputc('\n', file) != EOF && fflush(file) == 0 && fsync(fd) == 0;
    int failure = good ? 0 : errno;
    if (fclose(file) != 0 && failure == 0)
        failure = errno;
    return -failure;
}

int json_write_file(const json_t *value, const char *path)
{
    char *text = json_dumps(value, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    char *partial = text_format("%s.partial", path);
    int rc = text != NULL ? write_text(partial, text) : -ENOMEM;
    if (rc == 0 && rename(partial, path) != 0)
        rc = -errno;
    if (rc != 0) {
        say_error("cannot write %s: %s", path, strerror(-rc));
        unlink(partial);
    }
    free(partial);
    free(text);
    return rc;
}

static bool ends_in_a_line(int fd)
{
    const off_t size = lseek(fd, 0, SEEK_END);
    char last = '\n';
    return size <= 0 || pread(fd, &last, 1, size - 1) != 1 || last == '\n';
}

int json_append_line(const json_t *value, const char *path)
{
    char *text = json_dumps(value, JSON_COMPACT);
    const int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    int rc = fd < 0 ? -errno : text == NULL ? -ENOMEM : 0;
    if (rc == 0) {
        char *line = text_format("%s%s\n", ends_in_a_line(fd) ? "" : "\n", text);
        rc = text_append(fd, line, strlen(line));
        free(line);
    }
    if (rc != 0)
        say_error(
            "cannot write %s: %s; make room there, or the right to write", path, strerror(-rc));
    if (fd >= 0)
        close(fd);
    free(text);
    return rc;
}
