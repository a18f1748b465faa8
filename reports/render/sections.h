/* SPDX-License-Identifier: MIT */
/* sections.h - the parts of the report, top to bottom; each is written once for both formats. */
#ifndef VELO_REPORT_SECTIONS_H
#define VELO_REPORT_SECTIONS_H

#include "model.h"
#include "page.h"

/* The first screen: verdict, facts, trust, matrix; what did not race; standings. */
void section_front(struct page *page, const struct model *model);
void section_matrix(struct page *page, const struct model *model);
void section_standings(struct page *page, const struct model *model);

/* What single decisions cost; nothing in a run without variants. */
void section_prices(struct page *page, const struct model *model);

/* How much hangs on the weights, and the smallest worst case. */
void section_map(struct page *page, const struct model *model);
void section_regret(struct page *page, const struct model *model);

/* The pictures, in the order of plots.h. */
void section_pictures(struct page *page, const struct model *model);

/* The figures behind the medians: loads, tails, evidence, single runs, the course of time. */
void section_runs(struct page *page, const struct model *model);

/* Numbers. */
void section_duels(struct page *page, const struct model *model);
/* The picture "[stem]_[cell]", whose points are medians over at least [runs] runs. */
void section_runs_figure(struct page *page, const char *stem, size_t cell, size_t runs);

void section_absolute(struct page *page, const struct model *model);
void section_percentiles(struct page *page, const struct model *model);
void section_costs(struct page *page, const struct model *model);
void section_others(struct page *page, const struct model *model);
void section_limits(struct page *page, const struct model *model);

/* What stands behind them. */
void section_conformance(struct page *page, const struct model *model);
void section_environment(struct page *page, const struct model *model);
void section_conditions(struct page *page, const struct model *model);
void section_ceiling(struct page *page, const struct model *model);
void section_redone(struct page *page, const struct model *model);
void section_reproduce(struct page *page, const struct model *model);

#endif
