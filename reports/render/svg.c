/* SPDX-License-Identifier: MIT */
/*
 * svg.c - see svg.h. gnuplot numbers its definitions alike in every file (gpPt5, textbox), so two
 * pictures in one page would share them. The text is rewritten by a small list of prefixes: at each
 * position the first rule that matches is applied, everything else is copied.
 */
#include "svg.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

struct rule {
    const char *from;
    const char *to;
    bool prefix; /* the picture's name follows */
    char until;  /* drop the input up to and including this character; 0: nothing */
};

static const struct rule rules[] = {
    {" id='", " id='", true, 0},
    {" id=\"", " id=\"", true, 0},
    {"xlink:href='#", "href='#", true, 0},
    {"xlink:href=\"#", "href=\"#", true, 0},
    {"url(#", "url(#", true, 0},
    {"fill=\"black\"", "fill=\"currentColor\"", false, 0},
    {"fill=\"rgb(0,0,0)\"", "fill=\"currentColor\"", false, 0},
    {"fill='black'", "fill='currentColor'", false, 0},
    {"stroke='black'", "stroke='currentColor'", false, 0},
    {"stroke=\"black\"", "stroke=\"currentColor\"", false, 0},
    {"color=\"black\"", "", false, 0},
    {"color='black'", "", false, 0},
    {"xmlns=\"", "", false, '"'},
    {"xmlns:xlink=\"", "", false, '"'},
    {"<rect x=\"0\" y=\"0\"", "", false, '>'},
    {"<desc>", "", false, '\n'},
};

static const struct rule *match(const char *at)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strncmp(at, rules[i].from, strlen(rules[i].from)) == 0)
            return &rules[i];
    return NULL;
}

static const char *apply(FILE *out, const struct rule *rule, const char *at, const char *name)
{
    fputs(rule->to, out);
    if (rule->prefix)
        fprintf(out, "%s-", name);
    at += strlen(rule->from);
    if (!rule->until)
        return at;
    const char *end = strchr(at, rule->until);
    return end ? end + 1 : at + strlen(at);
}

int svg_inline(FILE *out, const char *path, const char *name)
{
    char *text = file_read(path);
    const char *at = text ? strstr(text, "<svg") : NULL;
    if (!at || !strstr(at, "</svg>")) {
        free(text);
        return -1;
    }
    while (*at) {
        const struct rule *rule = match(at);
        if (rule)
            at = apply(out, rule, at, name);
        else
            fputc(*at++, out);
    }
    free(text);
    return 0;
}
