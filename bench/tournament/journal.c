/* SPDX-License-Identifier: MIT */
/* journal.c - see journal.h. */
#include "journal.h"

#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int complain(const struct journal *journal, const char *what, int failure)
{
    say_error("cannot %s %s: %s. What was measured before stands in the file; make room, "
              "then go on with --resume",
              what,
              journal->path,
              strerror(failure));
    return -failure;
}

int journal_open(struct journal *journal,
                 const char *path,
                 const char *plan_sha256,
                 size_t intact_bytes,
                 const char *previous,
                 const char *latest)
{
    *journal = (struct journal){.path = text_copy(path)};
    snprintf(journal->plan, sizeof(journal->plan), "%.*s", JOURNAL_PLAN_DIGITS, plan_sha256);
    snprintf(journal->previous, sizeof(journal->previous), "%s", previous);
    snprintf(journal->latest, sizeof(journal->latest), "%s", latest);
    journal->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (journal->fd < 0)
        return complain(journal, "open", errno);
    if (ftruncate(journal->fd, (off_t)intact_bytes) != 0)
        return complain(journal, "cut", errno);
    return 0;
}

void journal_time(char text[JOURNAL_TIME_SIZE])
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t used = strftime(text, JOURNAL_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + used, JOURNAL_TIME_SIZE - used, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

int journal_append(struct journal *journal, json_t *event)
{
    char now[JOURNAL_TIME_SIZE];
    journal_time(now);
    if (strcmp(now, journal->latest) < 0)
        memcpy(now, journal->latest, sizeof(now));
    json_object_set_new(event, "t", json_string(now));
    json_object_set_new(event, "plan", json_string(journal->plan));
    json_object_set_new(event, "prev", json_string(journal->previous));
    char *line = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (line == NULL)
        return complain(journal, "write a line into", ENOMEM);
    size_t length = strlen(line);
    char hash[JOURNAL_HASH_SIZE];
    SHA256Data((const uint8_t *)line, length, hash);
    line[length] = '\n'; /* in place of the terminator: one write, one line */
    int rc = text_append(journal->fd, line, length + 1);
    free(line);
    if (rc != 0)
        return complain(journal, "write to", -rc);
    memcpy(journal->previous, hash, sizeof(hash));
    memcpy(journal->latest, now, sizeof(now));
    return 0;
}

int journal_rename(struct journal *journal, const char *path)
{
    if (rename(journal->path, path) != 0)
        return complain(journal, "rename", errno);
    free(journal->path);
    journal->path = text_copy(path);
    return 0;
}

int journal_sync(struct journal *journal)
{
    return fsync(journal->fd) == 0 ? 0 : complain(journal, "save", errno);
}

void journal_close(struct journal *journal)
{
    if (journal->path != NULL && journal->fd >= 0)
        close(journal->fd);
    free(journal->path);
    *journal = (struct journal){.fd = -1};
}
