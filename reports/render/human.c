/* SPDX-License-Identifier: MIT */
/* human.c - see human.h. */
#include "human.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NONE "–"
#define NARROW_SPACE "\xe2\x80\xaf"

struct step {
    double size;
    const char *name;
};

static const struct step times[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}, {0, "ns"}};
static const struct step sizes[] = {
    {1073741824.0, "GiB"}, {1048576.0, "MiB"}, {1024.0, "KiB"}, {0, "B"}};
static const struct step counts[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {0, ""}};

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && strcmp(text + n - m, suffix) == 0;
}

static int decimals_for(double value)
{
    double size = fabs(value);
    if (size >= 99.95 || size == 0)
        return 0;
    if (size >= 9.995)
        return 1;
    return size >= 0.9995 ? 2 : 3;
}

struct scale scale_pick(double smallest, const char *unit)
{
    struct scale scale = {1, 0, ""};
    const struct step *step = NULL;
    const char *rest = "";
    if (starts_with(unit, "ns")) {
        step = times;
        rest = unit + 2;
    } else if (starts_with(unit, "bytes")) {
        step = sizes;
        rest = unit + 5;
    } else if (ends_with(unit, "/s")) {
        step = counts;
        rest = unit;
    }
    double size = isfinite(smallest) ? fabs(smallest) : 1;
    if (!step) {
        snprintf(scale.unit, sizeof scale.unit, "%s", unit);
    } else {
        while (step->size > size)
            step++;
        scale.factor = step->size > 0 ? 1 / step->size : 1;
        bool apart = rest == unit && *step->name != '\0'; /* "M tasks/s", but "µs/task" */
        snprintf(scale.unit, sizeof scale.unit, "%s%s%s", step->name, apart ? " " : "", rest);
    }
    scale.decimals = decimals_for(size * scale.factor);
    return scale;
}

/* Spaces between groups of three digits, only from 10 000 on: "9999", "12 345". */
static struct human grouped(double value, int decimals)
{
    char plain[40];
    struct human out = {""};
    snprintf(plain, sizeof plain, "%.*f", decimals, value);
    size_t digits = strcspn(plain, "."), used = 0;
    bool negative = plain[0] == '-';
    bool group = digits - negative >= 5;
    for (size_t i = 0; plain[i] && used + 8 < sizeof out.text; i++) {
        size_t left = digits - i;
        if (group && i > negative && i < digits && left % 3 == 0)
            used += (size_t)snprintf(out.text + used, sizeof out.text - used, NARROW_SPACE);
        out.text[used++] = plain[i];
    }
    out.text[used] = '\0';
    return out;
}

struct human human_scaled(double value, const struct scale *scale)
{
    if (!isfinite(value))
        return (struct human){NONE};
    return grouped(value * scale->factor, scale->decimals);
}

struct human human_value(double value, const char *unit)
{
    if (!isfinite(value))
        return (struct human){NONE};
    struct scale scale = scale_pick(value, unit);
    struct human out, number = human_scaled(value, &scale);
    snprintf(
        out.text, sizeof out.text, "%.22s%s%.20s", number.text, *scale.unit ? " " : "", scale.unit);
    return out;
}

struct human human_number(double value)
{
    if (!isfinite(value))
        return (struct human){NONE};
    return grouped(value, decimals_for(value));
}

struct human human_count(double value)
{
    if (!isfinite(value))
        return (struct human){NONE};
    return grouped(value, 0);
}

struct human human_ratio(double ratio)
{
    if (!isfinite(ratio))
        return (struct human){NONE};
    struct human out, number = grouped(ratio, ratio < 9.995 ? 2 : decimals_for(ratio));
    snprintf(out.text, sizeof out.text, "%.40s×", number.text);
    return out;
}

struct human human_interval(double low, double high)
{
    struct human out;
    if (!isfinite(low) || !isfinite(high))
        return (struct human){"no interval yet"};
    struct human from = grouped(low, low < 9.995 ? 2 : decimals_for(low));
    struct human to = grouped(high, high < 9.995 ? 2 : decimals_for(high));
    snprintf(out.text, sizeof out.text, "%.20s to %.20s", from.text, to.text);
    return out;
}

struct human human_percent(double share)
{
    struct human out;
    if (!isfinite(share))
        return (struct human){NONE};
    double percent = share * 100;
    snprintf(out.text,
             sizeof out.text,
             "%.*f %%",
             fabs(percent) < 9.95 && percent != 0 ? 1 : 0,
             percent);
    return out;
}

struct human human_evidence(double e_value)
{
    struct human out;
    if (isnan(e_value))
        return (struct human){NONE};
    if (e_value >= 1e5)
        snprintf(out.text, sizeof out.text, "%.1e", e_value);
    else
        out = grouped(e_value, e_value >= 100 ? 0 : e_value >= 10 ? 1 : 2);
    return out;
}

const char *human_cell(const char *reference, char *name, size_t size)
{
    const char *slash = strchr(reference, '/');
    snprintf(name, size, "%s", slash != NULL ? slash + 1 : reference);
    for (char *c = name; *c != '\0'; c++)
        if (*c == '/')
            *c = ' ';
    return name;
}
