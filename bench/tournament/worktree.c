/* SPDX-License-Identifier: MIT */
/* worktree.c - see worktree.h. */
#include "worktree.h"

#include "child.h"
#include "json.h"
#include "run_folder.h"
#include "text.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <sha2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GATE_FOLDER "build/gate"

enum { BUILD_LIMIT_MS = 1800 * 1000, GIT_LIMIT_MS = 60 * 1000 };

static const char *const programs[] = {"conformance", "race", "micro", "process"};
enum { PROGRAM_COUNT = sizeof(programs) / sizeof(programs[0]) };

/* ---- running things ---- */

/* True when the program ended with status 0. [out]: its first line, for the caller to free. */
static bool run_quietly(const char *const *argv, char **out)
{
    struct child_result result;
    if (child_run(&(struct child_request){.argv = argv, .timeout_ms = GIT_LIMIT_MS}, &result) != 0)
        return false;
    bool good = result.end == CHILD_EXITED && result.code == 0;
    if (out != NULL)
        *out = text_format("%.*s", (int)strcspn(result.out, "\n"), result.out);
    child_result_free(&result);
    return good;
}

static void print_tail(const char *text)
{
    enum { LINES = 15 };
    const char *from = text + strlen(text);
    for (int lines = 0; from > text && lines <= LINES; from--)
        lines += from[-1] == '\n' && *from != '\0';
    fprintf(stderr, "%s%s", from > text ? "...\n" : "", from);
}

/* Runs one step of a build. Returns: 0; -EINTR; -EIO after a message. */
static int run_step(const char *const *argv, struct interrupt *interrupt)
{
    struct child_result result;
    const struct child_request request = {
        .argv = argv, .timeout_ms = BUILD_LIMIT_MS, .interrupt = interrupt};
    int rc = child_run(&request, &result);
    if (rc != 0)
        return rc;
    if (result.end == CHILD_INTERRUPTED)
        rc = -EINTR;
    else if (result.end != CHILD_EXITED || result.code != 0)
        rc = -EIO;
    if (rc == -EIO) {
        char *line = text_command(argv);
        char *why = child_explain(&result, BUILD_LIMIT_MS);
        say_error("gate: %s: %s", line, why);
        print_tail(result.err);
        free(why);
        free(line);
    }
    child_result_free(&result);
    return rc;
}

/* ---- what is meant ---- */

/* The commit that a run was made at, NULL if [wanted] is no run. */
static char *commit_of_run(const struct project *project, const char *wanted)
{
    char *places[] = {project_user_path(project, wanted),
                      text_format("%s/%s", RUN_FOLDER_BASE, wanted)};
    char *commit = NULL;
    for (int i = 0; i < 2; i++) {
        char *path = text_format("%s/env.json", places[i]);
        json_t *env = commit == NULL ? json_load_file(path, 0, NULL) : NULL;
        if (json_text(env, "commit", NULL) != NULL) {
            commit = text_copy(json_text(env, "commit", ""));
            if (json_bool(env, "dirty", false))
                say_error("gate: %s was raced with changes that were not committed; its commit %s "
                          "is taken without them",
                          wanted,
                          commit);
        }
        json_decref(env);
        free(path);
    }
    free(places[0]);
    free(places[1]);
    return commit;
}

static int complain_unknown(const char *against)
{
    static const char *const argv[] = {"git",
                                       "for-each-ref",
                                       "--format=%(refname:short)",
                                       "refs/heads",
                                       "refs/tags",
                                       "refs/remotes",
                                       NULL};
    struct names known = {0};
    struct child_result result;
    if (child_run(&(struct child_request){.argv = argv, .timeout_ms = GIT_LIMIT_MS}, &result) ==
        0) {
        for (char *word = strtok(result.out, "\n"); word != NULL; word = strtok(NULL, "\n"))
            names_add(&known, word);
        child_result_free(&result);
    }
    names_complain(&known, "run, branch or commit", against);
    names_free(&known);
    return -EINVAL;
}

/* An entry's name takes no slash and no colon: those get the commit instead. */
static bool is_plain_name(const char *text)
{
    for (; *text != '\0'; text++)
        if (!isalnum((unsigned char)*text) && strchr("._-", *text) == NULL)
            return false;
    return true;
}

int worktree_find(struct worktree *past, const struct project *project, const char *against)
{
    *past = (struct worktree){0};
    char *of_run = commit_of_run(project, against);
    char *wanted = text_format("%s^{commit}", of_run != NULL ? of_run : against);
    const char *const argv[] = {
        "git", "rev-parse", "--verify", "--quiet", "--short=10", "--end-of-options", wanted, NULL};
    int rc = 0;
    if (!run_quietly((const char *const[]){"git", "rev-parse", "--git-dir", NULL}, NULL)) {
        say_error("gate: this is no git checkout (or git is missing), so there is no other commit");
        rc = -EINVAL;
    } else if (!run_quietly(argv, &past->commit)) {
        if (of_run != NULL)
            say_error("gate: %s was raced at commit %s, which this repository does not have; "
                      "git fetch may bring it",
                      against,
                      of_run);
        rc = of_run != NULL ? -EINVAL : complain_unknown(against);
    } else {
        bool named = of_run == NULL && is_plain_name(against);
        past->name = text_copy(named ? against : past->commit);
        past->folder = text_format("%s/%s", GATE_FOLDER, past->commit);
    }
    free(wanted);
    free(of_run);
    if (rc != 0)
        worktree_free(past);
    return rc;
}

void worktree_free(struct worktree *past)
{
    free(past->name);
    free(past->commit);
    free(past->folder);
    *past = (struct worktree){0};
}

bool worktree_has(const struct worktree *past, const char *contestant)
{
    char *object = text_format("%s:impls/%s", past->commit, contestant);
    bool has = run_quietly((const char *const[]){"git", "cat-file", "-e", object, NULL}, NULL);
    free(object);
    return has;
}

/* ---- worktrees ---- */

static void remove_tree(const char *tree)
{
    if (!run_quietly((const char *const[]){"git", "worktree", "remove", "--force", tree, NULL},
                     NULL))
        run_quietly((const char *const[]){"rm", "-rf", "--", tree, NULL}, NULL);
    run_quietly((const char *const[]){"git", "worktree", "prune", NULL}, NULL);
}

/* Trees of gates that were killed: their process is gone. */
static void remove_stale_trees(void)
{
    struct dirent **entries;
    const int count = scandir(GATE_FOLDER, &entries, NULL, NULL);
    for (int i = 0; i < count; i++) {
        int pid;
        if (sscanf(entries[i]->d_name, "tree.%d", &pid) == 1 && kill(pid, 0) != 0 &&
            errno == ESRCH) {
            char *tree = text_format("%s/%s", GATE_FOLDER, entries[i]->d_name);
            remove_tree(tree);
            free(tree);
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

/* Ours in place of the commit's. */
static int put_harness(const char *tree, struct interrupt *interrupt)
{
    static const char *const parts[] = {"bench", "scenarios", "Makefile"};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(parts) / sizeof(parts[0]); i++) {
        char *there = text_format("%s/%s", tree, parts[i]);
        rc = run_step((const char *const[]){"rm", "-rf", "--", there, NULL}, interrupt);
        if (rc == 0)
            rc =
                run_step((const char *const[]){"cp", "-a", "--", parts[i], there, NULL}, interrupt);
        free(there);
    }
    return rc;
}

/* ---- building ---- */

/* make for the programs of [contestants] in [tree] ("." = here). */
static int run_make(const char *tree,
                    const struct project *project,
                    const struct names *contestants,
                    struct interrupt *interrupt)
{
    enum { WORDS = 12 };
    const char **argv = text_alloc((WORDS + contestants->count * PROGRAM_COUNT) * sizeof(*argv));
    struct names targets = {0};
    char *jobs = text_format("-j%ld", sysconf(_SC_NPROCESSORS_ONLN));
    char *variant = text_format("V=%s", strrchr(project->build, '/') + 1);
    const char *const head[] = {
        "env", "-u", "MAKEFLAGS", "-u", "MFLAGS", "make", "-C", tree, jobs, "SETUP=no", variant};
    size_t count = sizeof(head) / sizeof(head[0]);
    memcpy(argv, head, sizeof(head));
    for (size_t i = 0; i < contestants->count; i++)
        for (size_t p = 0; p < PROGRAM_COUNT; p++) {
            char *target =
                text_format("%s/%s/%s", project->build, contestants->items[i], programs[p]);
            names_add(&targets, target);
            free(target);
        }
    for (size_t i = 0; i < targets.count; i++)
        argv[count++] = targets.items[i];
    int rc = run_step(argv, interrupt);
    names_free(&targets);
    free(variant);
    free(jobs);
    free(argv);
    return rc;
}

/* The programs of one contestant out of the tree. */
static int keep_programs(const struct worktree *past,
                         const struct project *project,
                         const char *tree,
                         const char *contestant,
                         struct interrupt *interrupt)
{
    char *dir = text_format("%s/%s@%s", past->folder, contestant, past->name);
    int rc = run_step((const char *const[]){"rm", "-rf", "--", dir, NULL}, interrupt);
    if (rc == 0)
        rc = run_step((const char *const[]){"mkdir", "-p", "--", dir, NULL}, interrupt);
    char *built = text_format("%s/%s/%s/.", tree, project->build, contestant);
    if (rc == 0)
        rc = run_step((const char *const[]){"cp", "-a", "--", built, dir, NULL}, interrupt);
    free(built);
    free(dir);
    return rc;
}

static int build_there(const struct worktree *past,
                       const struct project *project,
                       const struct names *contestants,
                       bool own_harness,
                       const char *tree,
                       struct interrupt *interrupt)
{
    int rc = run_step(
        (const char *const[]){
            "git", "worktree", "add", "--quiet", "--detach", "--force", tree, past->commit, NULL},
        interrupt);
    if (rc == 0 && !own_harness)
        rc = put_harness(tree, interrupt);
    if (rc == 0)
        rc = run_make(tree, project, contestants, interrupt);
    if (rc == -EIO && !own_harness)
        say_error("gate: commit %s does not build with the harness of here; if its interface was "
                  "another one, --own-harness measures it by its own",
                  past->commit);
    for (size_t i = 0; rc == 0 && i < contestants->count; i++)
        rc = keep_programs(past, project, tree, contestants->items[i], interrupt);
    return rc;
}

int worktree_build(const struct worktree *past,
                   const struct project *project,
                   const struct names *contestants,
                   bool own_harness,
                   struct interrupt *interrupt)
{
    char *tree = text_format("%s/tree.%d", GATE_FOLDER, (int)getpid());
    int rc = run_make(".", project, contestants, interrupt);
    remove_stale_trees();
    if (rc == 0)
        rc = build_there(past, project, contestants, own_harness, tree, interrupt);
    remove_tree(tree);
    free(tree);
    return rc;
}

char *
worktree_dir(const struct worktree *past, const struct project *project, const char *contestant)
{
    return text_format("%s/%s/%s@%s", project->root, past->folder, contestant, past->name);
}

/* ---- the same code? ---- */

/* The hash of a program without what names the place where it was built; false if unreadable. */
static bool hash_code(const char *path, char hash[SHA256_DIGEST_STRING_LENGTH])
{
    char *bare = text_format("%s/bare.%d", GATE_FOLDER, (int)getpid());
    const char *const argv[] = {
        "objcopy", "--strip-all", "--remove-section=.note.gnu.build-id", path, bare, NULL};
    bool good =
        run_quietly(argv, NULL) ? SHA256File(bare, hash) != NULL : SHA256File(path, hash) != NULL;
    unlink(bare);
    free(bare);
    return good;
}

bool worktree_same_code(const struct worktree *past,
                        const struct project *project,
                        const char *contestant)
{
    char *there = worktree_dir(past, project, contestant);
    bool same = true;
    for (size_t p = 1; same && p < PROGRAM_COUNT;
         p++) { /* without conformance: it measures nothing */
        char *ours = text_format("%s/%s/%s", project->build, contestant, programs[p]);
        char *theirs = text_format("%s/%s", there, programs[p]);
        char first[SHA256_DIGEST_STRING_LENGTH], second[SHA256_DIGEST_STRING_LENGTH];
        same = hash_code(ours, first) && hash_code(theirs, second) && strcmp(first, second) == 0;
        free(ours);
        free(theirs);
    }
    free(there);
    return same;
}
