/* SPDX-License-Identifier: MIT */
/* report.c - see report.h: reads the run once, draws, then writes the same sections twice. */
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "files.h"
#include "model.h"
#include "page.h"
#include "plots.h"
#include "sections.h"

static void body(struct page *page, const struct model *model)
{
    section_front(page, model);
    section_matrix(page, model);
    section_prices(page, model);
    section_standings(page, model);
    section_regret(page, model);
    section_map(page, model);
    section_pictures(page, model);
    section_percentiles(page, model);
    section_duels(page, model);
    page_box(page, "sides");
    page_box(page, "box");
    section_absolute(page, model);
    page_box_end(page);
    page_box(page, "box");
    section_costs(page, model);
    page_box_end(page);
    page_box_end(page);
    section_others(page, model);
    section_limits(page, model);
    section_ceiling(page, model);
    section_conditions(page, model);
    section_conformance(page, model);
    section_environment(page, model);
    section_redone(page, model);
    section_reproduce(page, model);
}

/* The frame is a template with three marks: @TITLE@, @STYLE@, @BODY@. */
static void
fill_frame(struct page *page, const struct model *model, const char *frame, const char *style)
{
    while (*frame) {
        if (strncmp(frame, "@TITLE@", 7) == 0) {
            page_text(page, field_text(json_object_get(model->verdict, "run"), "id"));
            frame += 7;
        } else if (strncmp(frame, "@STYLE@", 7) == 0) {
            page_raw(page, style);
            frame += 7;
        } else if (strncmp(frame, "@BODY@", 6) == 0) {
            body(page, model);
            frame += 6;
        } else {
            fputc(*frame++, page->file);
        }
    }
}

static char *template_read(const char *home, const char *name, char *err, size_t err_size)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/templates/%s", home, name);
    char *text = file_read(path);
    if (!text)
        snprintf(err, err_size, "%s: %s", path, strerror(errno));
    return text;
}

static int write_markdown(const struct model *model, char *err, size_t err_size)
{
    struct file_out out;
    if (file_begin(&out, model->dir.path, "report.md") == 0) {
        struct page page = {.file = out.file, .format = PAGE_MARKDOWN, .run_dir = model->dir.path};
        body(&page, model);
        if (file_commit(&out) == 0)
            return 0;
    }
    snprintf(err, err_size, "%s/report.md: %s", model->dir.path, strerror(errno));
    return -1;
}

static int write_html(const struct model *model, const char *home, char *err, size_t err_size)
{
    struct file_out out;
    int rc = -1;
    char *style = NULL, *frame = template_read(home, "page.html", err, err_size);
    if (frame)
        style = template_read(home, "page.css", err, err_size);
    if (!style)
        goto done;
    if (file_begin(&out, model->dir.path, "report.html") == 0) {
        struct page page = {.file = out.file, .format = PAGE_HTML, .run_dir = model->dir.path};
        fill_frame(&page, model, frame, style);
        rc = file_commit(&out);
    }
    if (rc != 0)
        snprintf(err, err_size, "%s/report.html: %s", model->dir.path, strerror(errno));
done:
    free(style);
    free(frame);
    return rc;
}

int report_write(const char *run_dir, char *err, size_t err_size)
{
    char home[4096];
    struct model model;
    if (reports_home(home, sizeof home) != 0) {
        snprintf(err,
                 err_size,
                 "reports/templates not found above the program; set VELO_HOME to the "
                 "folder that holds reports/");
        return -1;
    }
    if (model_read(run_dir, &model, err, err_size) != 0)
        return -1;
    int drawn = plots_write(&model, home, err, err_size);
    int rc = write_markdown(&model, err, err_size);
    if (rc == 0)
        rc = write_html(&model, home, err, err_size);
    model_fini(&model);
    return rc != 0 ? rc : drawn;
}
