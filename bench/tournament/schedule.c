/* SPDX-License-Identifier: MIT */
/* schedule.c - see schedule.h. */
#include "schedule.h"

#include "text.h"

#include <assert.h>
#include <inttypes.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_PER_DIGEST = SHA256_DIGEST_LENGTH / 8 };

struct stream {
    const struct schedule_key *key;
    const char *purpose;
    const char *detail;
    uint64_t next; /* number of the next word */
    uint8_t digest[SHA256_DIGEST_LENGTH];
};

static void refill(struct stream *stream)
{
    const struct schedule_key *key = stream->key;
    char *text = text_format("velo-schedule-1|%s|%" PRIu64 "|%s|%u|%u|%s|%" PRIu64,
                             stream->purpose,
                             key->seed,
                             key->cell,
                             key->block,
                             key->attempt,
                             stream->detail,
                             stream->next / WORDS_PER_DIGEST);
    SHA2_CTX context;
    SHA256Init(&context);
    SHA256Update(&context, (const uint8_t *)text, strlen(text));
    SHA256Final(stream->digest, &context);
    free(text);
}

static uint64_t next_word(struct stream *stream)
{
    size_t place = (size_t)(stream->next % WORDS_PER_DIGEST);
    if (place == 0)
        refill(stream);
    stream->next++;
    uint64_t word = 0;
    for (size_t i = 0; i < 8; i++)
        word = word << 8 | stream->digest[place * 8 + i];
    return word;
}

/* Uniform in [0, n): the words above the last full multiple of n are refused, not folded. */
static uint64_t below(struct stream *stream, uint64_t n)
{
    uint64_t surplus = (UINT64_MAX % n + 1) % n; /* 2^64 mod n */
    uint64_t word;
    do
        word = next_word(stream);
    while (surplus != 0 && word >= UINT64_MAX - surplus + 1);
    return word % n;
}

static void sort_indices(const char *const *names, size_t count, size_t *order)
{
    for (size_t i = 0; i < count; i++) {
        size_t place = i;
        for (; place > 0 && strcmp(names[order[place - 1]], names[i]) > 0; place--)
            order[place] = order[place - 1];
        order[place] = i;
    }
}

static char *join_in_order(const char *const *names, size_t count, const size_t *order)
{
    char *joined = text_copy(count > 0 ? names[order[0]] : "");
    for (size_t i = 1; i < count; i++) {
        char *longer = text_format("%s,%s", joined, names[order[i]]);
        free(joined);
        joined = longer;
    }
    return joined;
}

/* A uniform permutation, whatever the order in which the names are given. */
static void shuffle(const struct schedule_key *key,
                    const char *purpose,
                    const char *const *names,
                    size_t count,
                    size_t *order)
{
    assert(count <= SCHEDULE_ENTRIES_MAX);
    sort_indices(names, count, order);
    char *detail = join_in_order(names, count, order);
    struct stream stream = {.key = key, .purpose = purpose, .detail = detail};
    for (size_t last = count; last > 1; last--) {
        size_t chosen = (size_t)below(&stream, last);
        size_t kept = order[last - 1];
        order[last - 1] = order[chosen];
        order[chosen] = kept;
    }
    free(detail);
}

void schedule_order(const struct schedule_key *key,
                    const char *const *survivors,
                    size_t count,
                    size_t *order)
{
    shuffle(key, "order", survivors, count, order);
}

size_t schedule_square_rows(size_t count)
{
    return count < 2 ? 1 : count % 2 == 0 ? count : 2 * count;
}

/* Williams 1949: 0, 1, k-1, 2, k-2, ... plus the row; for odd k the mirror images follow. */
static size_t square_label(size_t count, size_t row, size_t place)
{
    const size_t from_left = row < count ? place : count - 1 - place;
    const size_t zigzag = from_left % 2 == 1 ? (from_left + 1) / 2 : count - from_left / 2;
    return (zigzag + row) % count;
}

void schedule_square_order(const struct schedule_key *key,
                           const char *const *members,
                           size_t count,
                           size_t row,
                           size_t *order)
{
    size_t labels[SCHEDULE_ENTRIES_MAX];
    struct schedule_key square = *key;
    square.attempt = 0;
    shuffle(&square, "square", members, count, labels);
    for (size_t place = 0; place < count; place++)
        order[place] = labels[square_label(count, row, place)];
}

static const char *const designs[] = {"uniform", "williams"};

const char *schedule_design_name(enum schedule_design design)
{
    return designs[design];
}

bool schedule_design_parse(const char *name, enum schedule_design *out)
{
    for (int i = SCHEDULE_UNIFORM; i <= SCHEDULE_WILLIAMS; i++)
        if (strcmp(name, designs[i]) == 0) {
            *out = (enum schedule_design)i;
            return true;
        }
    return false;
}

uint64_t schedule_run_seed(const struct schedule_key *key)
{
    struct stream stream = {.key = key, .purpose = "seed", .detail = ""};
    return next_word(&stream) >> 16;
}

unsigned schedule_env_pad(const struct schedule_key *key, const char *entry)
{
    struct stream stream = {.key = key, .purpose = "pad", .detail = entry};
    return (unsigned)below(&stream, SCHEDULE_PAD_MAX + 1);
}
