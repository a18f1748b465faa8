/* SPDX-License-Identifier: MIT */
/*
 * page.h - one description of a page, two formats. The sections of the report call these functions
 * once; the page writes Markdown or HTML and escapes every text on its way out.
 *
 * "Rich" text may hold pairs of backticks, which become code; all else in it is plain.
 * CSS classes are ignored in Markdown.
 */
#ifndef VELO_REPORT_PAGE_H
#define VELO_REPORT_PAGE_H

#include <stdbool.h>
#include <stdio.h>

enum page_format { PAGE_MARKDOWN, PAGE_HTML };

struct page {
    FILE *file;
    enum page_format format;
    const char *run_dir; /* where the plots of figures are found */
    int columns;         /* of the open table */
    bool row;            /* a row is open */
    bool fact;           /* a list of facts has its first */
};

#define PAGE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Unescaped, for mark-up of this program's own. */
void page_raw(struct page *page, const char *text);

/* Escaped. */
void page_text(struct page *page, const char *text);
void page_rich(struct page *page, const char *text);

void page_heading(struct page *page, int level, const char *id, const char *format, ...)
    PAGE_PRINTF(4, 5);
/* Rich text. [class] may be "". */
void page_paragraph(struct page *page, const char *class, const char *format, ...)
    PAGE_PRINTF(3, 4);
/* Verbatim lines: commands. */
void page_code(struct page *page, const char *text);

/* Columns: title prefixed by '<' (left aligned text) or '>' (right aligned number). */
void page_table(struct page *page, const char *class, int columns, const char *const titles[]);
void page_row(struct page *page, const char *class);
void page_cell(struct page *page, const char *class, const char *format, ...) PAGE_PRINTF(3, 4);
/* A cell with a second, smaller line, and a command behind a button if there is one. */
void page_cell_two(
    struct page *page, const char *class, const char *main, const char *sub, const char *command);
/* One cell over the whole row: a group heading inside the table. */
void page_group(struct page *page, const char *format, ...) PAGE_PRINTF(2, 3);
void page_table_end(struct page *page);

/* A list of short facts: "label value" pairs, in one line or in boxes. */
void page_facts_begin(struct page *page);
void page_fact(struct page *page, const char *label, const char *format, ...) PAGE_PRINTF(3, 4);
void page_facts_end(struct page *page);

/* A box around what follows, for the layout of the HTML page only. */
void page_box(struct page *page, const char *class);
void page_box_end(struct page *page);

/* The picture plots/NAME.svg with its caption, or a line saying that it was not drawn. */
void page_figure(struct page *page, const char *name, const char *caption);

#endif
