/* SPDX-License-Identifier: MIT */
/* args.c - see args.h. */
#include "args.h"

#include "names.h"
#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_help(const struct args_command *command)
{
    printf(
        "velo %s - %s\n\nUsage: velo %s [options]", command->name, command->summary, command->name);
    if (command->operand != NULL)
        printf(" [%s]", command->operand);
    printf("\n\n");
    for (const struct args_option *option = command->options; option->name != NULL; option++) {
        char *left = option->value != NULL ? text_format("--%s %s", option->name, option->value)
                                           : text_format("--%s", option->name);
        printf("  %-24s %s\n", left, option->help);
        free(left);
    }
    printf("  %-24s %s\n", "--help", "print this page");
    if (command->notes != NULL)
        printf("\n%s", command->notes);
}

static const struct args_option *
find_option(const struct args_command *command, const char *name, size_t length)
{
    for (const struct args_option *option = command->options; option->name != NULL; option++)
        if (strlen(option->name) == length && strncmp(option->name, name, length) == 0)
            return option;
    return NULL;
}

static enum args_result
unknown_option(const struct args_command *command, const char *given, int length)
{
    struct names known = {0};
    for (const struct args_option *option = command->options; option->name != NULL; option++)
        names_add(&known, option->name);
    names_add(&known, "help");
    char *wanted = text_format("%.*s", length, given);
    const char *nearest =
        names_nearest(&known, wanted[0] == '-' ? wanted + strspn(wanted, "-") : wanted);
    if (nearest != NULL)
        say_error("%s: unknown option %s: did you mean --%s? See velo %s --help",
                  command->name,
                  wanted,
                  nearest,
                  command->name);
    else
        say_error(
            "%s: unknown option %s. See velo %s --help", command->name, wanted, command->name);
    free(wanted);
    names_free(&known);
    return ARGS_BAD;
}

/* Takes the option at argv[*at]; *at ends on the last word that it used. */
static enum args_result
take_option(const struct args_command *command, int argc, char **argv, int *at)
{
    const char *given = argv[*at];
    size_t length = strcspn(given, "=");
    const char *inline_value = given[length] == '=' ? given + length + 1 : NULL;
    const struct args_option *option =
        strncmp(given, "--", 2) == 0 ? find_option(command, given + 2, length - 2) : NULL;
    if (option == NULL)
        return unknown_option(command, given, (int)length);
    if (option->flag != NULL) {
        if (inline_value != NULL) {
            say_error("%s: --%s takes no value", command->name, option->name);
            return ARGS_BAD;
        }
        *option->flag = true;
        return ARGS_GO;
    }
    if (inline_value == NULL && *at + 1 < argc)
        inline_value = argv[++*at];
    if (inline_value == NULL || inline_value[0] == '\0') {
        say_error("%s: --%s needs a value: --%s %s",
                  command->name,
                  option->name,
                  option->name,
                  option->value);
        return ARGS_BAD;
    }
    *option->text = inline_value;
    return ARGS_GO;
}

enum args_result args_parse(const struct args_command *command, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(command);
            return ARGS_HELP;
        }
        if (argv[i][0] == '-' && argv[i][1] != '\0') {
            if (take_option(command, argc, argv, &i) == ARGS_BAD)
                return ARGS_BAD;
        } else if (command->operands != NULL) {
            names_add(command->operands, argv[i]);
        } else if (command->operand == NULL || *command->operand_text != NULL) {
            say_error("%s: unexpected word '%s'. See velo %s --help",
                      command->name,
                      argv[i],
                      command->name);
            return ARGS_BAD;
        } else {
            *command->operand_text = argv[i];
        }
    }
    return ARGS_GO;
}

static bool parse_digits(const char *text, char **end, uint64_t *out)
{
    if (!isdigit((unsigned char)text[0])) /* strtoull would take a sign and blanks */
        return false;
    errno = 0;
    *out = strtoull(text, end, 10);
    return errno == 0;
}

bool args_number(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
    char *end = NULL;
    if (parse_digits(text, &end, out) && *end == '\0' && *out >= low && *out <= high)
        return true;
    say_error(
        "--%s '%s': need a whole number from %" PRIu64 " to %" PRIu64, option, text, low, high);
    return false;
}

bool args_seconds(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
    static const struct {
        const char *suffix;
        uint64_t seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}};
    char *end = NULL;
    if (parse_digits(text, &end, out))
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
            if (strcmp(end, units[i].suffix) == 0 && *out <= high / units[i].seconds &&
                (*out *= units[i].seconds) >= low)
                return true;
    say_error("--%s '%s': need a time from %" PRIu64 "s to %" PRIu64 "s, such as 90, 90s, 5m or 1h",
              option,
              text,
              low,
              high);
    return false;
}
