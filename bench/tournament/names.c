/* SPDX-License-Identifier: MIT */
/* names.c - see names.h. */
#include "names.h"

#include "text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void names_add(struct names *names, const char *name)
{
    char **items = realloc(names->items, (names->count + 1) * sizeof(*items));
    if (items == NULL)
        abort();
    names->items = items;
    names->items[names->count++] = text_copy(name);
}

bool names_has(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void names_sort(struct names *names)
{
    if (names->count > 1)
        qsort(names->items, names->count, sizeof(*names->items), by_name);
}

void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
    *names = (struct names){0};
}

void names_split(struct names *names, const char *list)
{
    static const char blanks[] = " \t\n";
    while (*list != '\0') {
        size_t length = strcspn(list, ",");
        const char *start = list;
        size_t size = length;
        while (size > 0 && strchr(blanks, *start) != NULL)
            start++, size--;
        while (size > 0 && strchr(blanks, start[size - 1]) != NULL)
            size--;
        if (size > 0) {
            char *name = text_format("%.*s", (int)size, start);
            names_add(names, name);
            free(name);
        }
        list += length + (list[length] == ',');
    }
}

char *names_join(const struct names *names)
{
    char *joined = text_copy(names->count > 0 ? names->items[0] : "(none)");
    for (size_t i = 1; i < names->count; i++) {
        char *longer = text_format("%s, %s", joined, names->items[i]);
        free(joined);
        joined = longer;
    }
    return joined;
}

enum { LONGEST_NAME = 64 };

/* Levenshtein distance, by rows; longer names than LONGEST_NAME count as far away. */
static size_t distance(const char *a, const char *b)
{
    size_t rows = strlen(a);
    size_t columns = strlen(b);
    if (rows > LONGEST_NAME || columns > LONGEST_NAME)
        return SIZE_MAX;
    size_t row[LONGEST_NAME + 1];
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 1; i <= rows; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[columns];
}

const char *names_nearest(const struct names *names, const char *wanted)
{
    const char *nearest = NULL;
    size_t least =
        strlen(wanted) / 3 + 1; /* one slip in three letters is a slip, more is a guess */
    for (size_t i = 0; i < names->count; i++) {
        size_t far = distance(names->items[i], wanted);
        if (far <= least && (nearest == NULL || far < least)) {
            nearest = names->items[i];
            least = far;
        }
    }
    return nearest;
}

void names_complain(const struct names *names, const char *kind, const char *wanted)
{
    char *known = names_join(names);
    const char *nearest = names_nearest(names, wanted);
    if (nearest != NULL)
        say_error("unknown %s '%s': did you mean '%s'? Known: %s", kind, wanted, nearest, known);
    else
        say_error("unknown %s '%s'. Known: %s", kind, wanted, known);
    free(known);
}
