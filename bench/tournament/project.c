/* SPDX-License-Identifier: MIT */
/* project.c - see project.h. */
#include "project.h"

#include "child.h"
#include "text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Cuts the last component off; false when there is none. */
static bool parent(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return false;
    *slash = '\0';
    return true;
}

static bool grandparent(char *path)
{
    bool there = parent(path);
    return there && parent(path);
}

int project_open(struct project *project)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (length < 0) {
        say_error("cannot read /proc/self/exe: %s", strerror(errno));
        return -errno;
    }
    self[length] = '\0';
    char here[PATH_MAX];
    *project =
        (struct project){.start = text_copy(getcwd(here, sizeof(here)) != NULL ? here : "/")};
    char *build = NULL;
    if (parent(self)) { /* ROOT/build/V */
        build = text_copy(self);
        if (grandparent(self) && chdir(self) == 0) {
            project->root = text_copy(self);
            project->build = text_copy(build + strlen(self) + 1);
            free(build);
            return 0;
        }
    }
    free(build);
    say_error("%s does not stand in ROOT/build/VARIANT/, so the project cannot be found from it",
              self);
    project_close(project);
    return -ENOENT;
}

void project_close(struct project *project)
{
    free(project->root);
    free(project->build);
    free(project->start);
    *project = (struct project){0};
}

char *project_user_path(const struct project *project, const char *path)
{
    if (path[0] == '/' || strcmp(project->start, project->root) == 0)
        return text_copy(path);
    return text_format("%s/%s", project->start, path);
}

static char *git_says(const char *const *argv)
{
    struct child_result result;
    if (child_run(&(struct child_request){.argv = argv, .timeout_ms = 5000}, &result) != 0)
        return NULL;
    char *line = NULL;
    if (result.end == CHILD_EXITED && result.code == 0)
        line = text_format("%.*s", (int)strcspn(result.out, "\n"), result.out);
    child_result_free(&result);
    return line;
}

char *project_commit(void)
{
    char *commit = git_says((const char *const[]){"git", "rev-parse", "--short=10", "HEAD", NULL});
    if (commit == NULL)
        return text_copy("unknown");
    char *changes = git_says(
        (const char *const[]){"git", "status", "--porcelain", "--untracked-files=no", NULL});
    if (changes != NULL && changes[0] != '\0') {
        char *dirty = text_format("%s-dirty", commit);
        free(commit);
        commit = dirty;
    }
    free(changes);
    return commit;
}
