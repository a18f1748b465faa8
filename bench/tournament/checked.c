/* SPDX-License-Identifier: MIT */
/* checked.c - see checked.h. */
#include "checked.h"

#include "json.h"
#include "names.h"
#include "text.h"

#include <dirent.h>
#include <limits.h>
#include <sha2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const checked_parts[] = {
    "clock", "symmetry", "mutants", "live", "rate", "power", "noise", NULL};

enum { DIGITS = 16 };

/* ---- which build, which machine ---- */

static char *digest(const char *text)
{
    char hex[SHA256_DIGEST_STRING_LENGTH];
    SHA256Data((const uint8_t *)text, strlen(text), hex);
    return text_format("%.*s", DIGITS, hex);
}

/* The directory that holds this program and those of the contestants. */
static bool build_directory(char directory[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", directory, PATH_MAX - 1);
    if (length <= 0)
        return false;
    directory[length] = '\0';
    char *slash = strrchr(directory, '/');
    if (slash != NULL)
        *slash = '\0';
    return slash != NULL;
}

static void add_hash(struct names *hashes, const char *name, const char *path)
{
    char hex[SHA256_DIGEST_STRING_LENGTH];
    if (access(path, X_OK) != 0 || SHA256File(path, hex) == NULL)
        return;
    char *line = text_format("%s %s", name, hex);
    names_add(hashes, line);
    free(line);
}

char *checked_build(void)
{
    char directory[PATH_MAX];
    struct names hashes = {0};
    DIR *built = build_directory(directory) ? opendir(directory) : NULL;
    const struct dirent *entry;
    while (built != NULL && (entry = readdir(built)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        char *race = text_format("%s/%s/race", directory, entry->d_name);
        add_hash(&hashes, entry->d_name, race);
        free(race);
    }
    if (built != NULL)
        closedir(built);
    add_hash(&hashes, "velo", "/proc/self/exe");
    names_sort(&hashes);
    char *joined = names_join(&hashes);
    char *build = digest(joined);
    names_free(&hashes);
    free(joined);
    return build;
}

char *checked_machine(void)
{
    char *id = text_first_line("/etc/machine-id", "unknown");
    char *host = text_first_line("/proc/sys/kernel/hostname", "unknown");
    char *text = text_format("%s %s %ld", id, host, sysconf(_SC_NPROCESSORS_ONLN));
    char *machine = digest(text);
    free(text);
    free(host);
    free(id);
    return machine;
}

/* ---- what is stored ---- */

json_t *checked_load(void)
{
    json_t *stored = access(CHECKED_FILE, R_OK) == 0 ? json_load_file(CHECKED_FILE, 0, NULL) : NULL;
    if (json_is_object(json_object_get(stored, "parts")))
        return stored;
    json_decref(stored);
    return json_pack("{s:i, s:{}}", "schema", 1, "parts");
}

/* What the parts come to, looked at one by one. */
struct sum {
    size_t parts, present, outdated, passed;
    const char *oldest;
    struct names failed, noisy;
};

static void add_part(
    struct sum *sum, const char *name, const json_t *part, const char *build, const char *machine)
{
    sum->parts++;
    if (part == NULL)
        return;
    const char *verdict = json_text(part, "verdict", "");
    const char *date = json_text(part, "date", "");
    sum->present++;
    sum->outdated += strcmp(json_text(part, "build", ""), build) != 0 ||
                     strcmp(json_text(part, "machine", ""), machine) != 0;
    if (sum->oldest == NULL || strcmp(date, sum->oldest) < 0)
        sum->oldest = date;
    if (strcmp(verdict, "FAIL") == 0)
        names_add(&sum->failed, name);
    else if (strcmp(verdict, "NOISY") == 0)
        names_add(&sum->noisy, name);
    else if (strcmp(verdict, "NOT RUN") != 0)
        sum->passed++;
}

static const char *state_of(const struct sum *sum)
{
    if (sum->present == 0)
        return "never";
    if (sum->outdated > 0)
        return "older";
    return sum->present < sum->parts ? "partial" : "current";
}

static char *sentence_of(const struct sum *sum, const char *state)
{
    if (sum->present == 0)
        return text_copy("the self-check was never run on this machine (make selfcheck)");
    char *failed = names_join(&sum->failed), *noisy = names_join(&sum->noisy);
    char *sentence = text_format("self-check of %.10s: %zu of %zu parts passed%s%s%s%s%s",
                                 sum->oldest,
                                 sum->passed,
                                 sum->parts,
                                 sum->failed.count > 0 ? ", FAILED: " : "",
                                 sum->failed.count > 0 ? failed : "",
                                 sum->noisy.count > 0 ? ", machine too noisy for: " : "",
                                 sum->noisy.count > 0 ? noisy : "",
                                 strcmp(state, "older") == 0
                                     ? "; it is of another build or machine than this (make "
                                       "selfcheck)"
                                     : "");
    free(failed);
    free(noisy);
    return sentence;
}

json_t *checked_describe(void)
{
    json_t *stored = checked_load(), *verdicts = json_object();
    char *build = checked_build(), *machine = checked_machine();
    struct sum sum = {0};
    for (size_t i = 0; checked_parts[i] != NULL; i++) {
        const json_t *part = json_object_get(json_object_get(stored, "parts"), checked_parts[i]);
        add_part(&sum, checked_parts[i], part, build, machine);
        if (part != NULL)
            json_object_set_new(
                verdicts, checked_parts[i], json_string(json_text(part, "verdict", "unknown")));
    }
    const char *state = state_of(&sum);
    char *sentence = sentence_of(&sum, state);
    json_t *described =
        json_pack("{s:s, s:s, s:o}", "state", state, "sentence", sentence, "parts", verdicts);
    free(sentence);
    names_free(&sum.failed);
    names_free(&sum.noisy);
    free(build);
    free(machine);
    json_decref(stored);
    return described;
}
