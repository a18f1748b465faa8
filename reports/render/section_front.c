/* SPDX-License-Identifier: MIT */
/*
 * section_front.c - the first screen: one sentence, the facts, how far to trust them, the matrix.
 * Each line is understood without the rest of the page.
 */
#include "sections.h"

#include <stdint.h>
#include <string.h>

#include "fields.h"
#include "human.h"

static const char *known(const json_t *object, const char *key)
{
    const char *text = field_text(object, key);
    return *text ? text : "unknown";
}

static void facts(struct page *page, const struct model *model)
{
    const json_t *run = json_object_get(model->verdict, "run");
    const json_t *env = model->dir.env;
    bool given = json_is_true(json_object_get(model->dir.plan, "seed_given"));
    bool dirty = json_is_true(json_object_get(env, "dirty"));
    double minutes = field_number(run, "minutes");
    page_facts_begin(page);
    page_fact(page, "blocks", "%ld", field_count(run, "blocks", 0));
    page_fact(page, "runs", "%ld", field_count(run, "runs", 0));
    page_fact(page, "minutes", "%.1f", isfinite(minutes) ? minutes : 0);
    page_fact(page, "machine", "%s", known(env, "cpu_model"));
    if (*field_text(run, "host"))
        page_fact(page, "host", "%s", field_text(run, "host"));
    page_fact(page, "compiler", "%s", known(env, "compiler"));
    page_fact(page, "commit", "%s%s", known(run, "commit"), dirty ? " + local changes" : "");
    page_fact(
        page, "seed", "%s%s", field_text(model->dir.plan, "seed"), given ? " (given by hand)" : "");
    page_fact(page, "plan", "%.12s", model->dir.plan_sha256);
    page_fact(page, "warnings", "%zu", json_array_size(json_object_get(env, "warnings")));
    page_facts_end(page);
}

/* Who was late, and how often. */
static void late(struct page *page, json_t *counts)
{
    char names[400] = "";
    const char *name;
    json_t *count;
    size_t used = 0;
    json_object_foreach(counts, name, count)
    {
        if (used < sizeof names)
            used += (size_t)snprintf(names + used,
                                     sizeof names - used,
                                     "%s%s %lld",
                                     used ? ", " : "",
                                     name,
                                     (long long)json_integer_value(count));
    }
    if (used)
        page_paragraph(page,
                       "trust alarm",
                       "Runs that were late, by contestant: %s. A deadline passed and nothing else "
                       "was wrong; the block was done again, and what was late counts as lost.",
                       names);
}

static void trust(struct page *page, const struct model *model)
{
    const json_t *aa = json_object_get(json_object_get(model->verdict, "trust"), "aa");
    const json_t *screen = json_object_get(model->verdict, "first_screen");
    bool differs = strcmp(field_text(aa, "verdict"), "DIFFERS") == 0;
    size_t attempts = model->dir.block_count;
    page_paragraph(page,
                   differs ? "trust alarm" : "trust",
                   "How far to trust it: %s; %zu of %zu blocks were disturbed and redone (%s).",
                   field_text(screen, "trust"),
                   model->redone,
                   attempts,
                   human_percent(attempts ? (double)model->redone / (double)attempts : 0).text);
    if (model->dir.given_up > 0)
        page_paragraph(page,
                       "trust alarm",
                       "%zu %s left half-way, from the first run on: who did it may have seen "
                       "what was coming, so each counts against whoever leads in its cell.",
                       model->dir.given_up,
                       model->dir.given_up == 1 ? "attempt was" : "attempts were");
    if (model->dir.resumes > 0)
        page_paragraph(page,
                       "trust",
                       "It was resumed. That no block was cut off before cannot be seen in this "
                       "folder: velo verify looks at the anchors beside it, where they are.");
    late(page, json_object_get(json_object_get(model->verdict, "run"), "late"));
}

/* How the tournament fared when it was tested on itself, as it was known when the run began. */
static void self_check(struct page *page, const struct model *model)
{
    const char *sentence = field_text(json_object_get(model->dir.env, "selfcheck"), "sentence");
    page_paragraph(page,
                   strstr(sentence, "FAILED") != NULL ? "trust alarm" : "trust",
                   "The tournament tested on itself: %s.",
                   *sentence ? sentence : "it is not known whether it was when this run began");
}

/* How far above the measuring itself the measured stands, at its tightest cell. */
static void ceiling(struct page *page, const struct model *model)
{
    const json_t *list = json_object_get(model->verdict, "ceilings"), *least = NULL;
    size_t near = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        near += json_is_true(json_object_get(row, "near"));
        if (isfinite(field_number(row, "times")) &&
            !(least && field_number(least, "times") <= field_number(row, "times")))
            least = row;
    }
    if (!least)
        return;
    page_paragraph(
        page,
        near ? "trust warning" : "trust",
        "The harness itself could do at least %s what the best contestants do (least in %s %s)%s",
        human_ratio(field_number(least, "times")).text,
        field_text(least, "scenario"),
        field_text(least, "point"),
        near ? ": where that is below 3, its own cost is a good part of what is measured." : ".");
}

static void remarks(struct page *page, const char *kind, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        page_paragraph(page, "warning", "%s: %s", kind, text ? text : "(not a text)");
    }
}

/* Cuts [text] behind its first sentence and returns what follows; only the first is in large type.
 */
static const char *split_sentence(char *text)
{
    for (char *dot = strstr(text, ". "); dot; dot = strstr(dot + 1, ". ")) {
        const char *next = dot + (dot[2] == '`' ? 3 : 2);
        if (*next >= 'A' && *next <= 'Z') {
            dot[1] = '\0';
            return dot + 2;
        }
    }
    return "";
}

void section_front(struct page *page, const struct model *model)
{
    char sentence[2048];
    model_mark_names(model, field_text(model->verdict, "sentence"), sentence, sizeof sentence);
    const char *rest = split_sentence(sentence);
    page_box(page, "front");
    page_paragraph(page,
                   "kicker",
                   "Velodrome, the tournament for event loops: `%s` run",
                   field_text(model->dir.plan, "preset"));
    if (model->smoke)
        page_paragraph(page,
                       "banner",
                       "PIPELINE CHECK ONLY: this preset shows that everything runs. Its numbers "
                       "are no evidence and it never names a winner.");
    page_heading(page, 1, "verdict", "%s", *sentence ? sentence : "This run holds no verdict yet.");
    if (*rest)
        page_paragraph(page, "rest", "%s", rest);
    trust(page, model);
    self_check(page, model);
    ceiling(page, model);
    facts(page, model);
    remarks(page, "Override", json_object_get(model->verdict, "overrides"));
    remarks(page, "Warning", json_object_get(model->dir.env, "warnings"));
    remarks(page, "Note", json_object_get(model->verdict, "notes"));
    page_box_end(page);
}

/* ---- the matrix ---- */

static const char *lane_title(const char *lane)
{
    if (strcmp(lane, "race") == 0)
        return "Race: whole scenarios";
    if (strcmp(lane, "micro") == 0)
        return "Micro: single operations";
    return "Process: whole programs";
}

/* Bytes of a reason that fit into a field; in full it stands in the list below the matrix. */
enum { REASON_FITS = 64 };

static void cut_reason(char *text, size_t size, const char *reason)
{
    size_t end = strlen(reason);
    if (end > REASON_FITS) {
        end = REASON_FITS;
        while (end > 0 && ((unsigned char)reason[end] & 0xC0) == 0x80) /* inside a character */
            end--;
    }
    snprintf(text, size, "%.*s%s", (int)end, reason, reason[end] ? " …" : "");
}

static void matrix_field(struct page *page, const struct result *result)
{
    const struct word_look *look = &word_looks[result->word];
    bool absent = result->word == WORD_DISQUALIFIED || result->word == WORD_NOT_RUN;
    char class[32], main[256], sub[128] = "";
    snprintf(class, sizeof class, "v %s", look->class);
    if (absent) {
        snprintf(main, sizeof main, "%s %s", look->symbol, look->label);
        cut_reason(sub, sizeof sub, result->reason);
        page_cell_two(page, class, main, sub, result->reproduce);
        return;
    }
    char after[16];
    snprintf(
        after, sizeof after, "%s%s", result->small ? " by little" : "", result->star ? " ★" : "");
    if (isfinite(result->ratio))
        snprintf(main,
                 sizeof main,
                 "%s %s %s%s",
                 look->symbol,
                 human_ratio(result->ratio).text,
                 look->label,
                 after);
    else
        snprintf(main, sizeof main, "%s %s%s", look->symbol, look->label, after);
    if (!result->is_best)
        snprintf(sub, sizeof sub, "%s", human_interval(result->low, result->high).text);
    page_cell_two(page, class, main, result->is_best ? "least cost" : sub, "");
}

static void legend(struct page *page, const struct model *model)
{
    page_paragraph(
        page,
        "legend",
        "Each field: the word, the cost as a multiple of the best in its row, and the interval of "
        "that ratio. ▲ wins: the only one that nobody beat. = ties: inside the margin of %s. "
        "▼ loses: slower than at least one. By little: by less than that margin. "
        "? open: not enough evidence. "
        "✕ disqualified and – not run keep their place. "
        "★: the win holds over all cells together. !: read it with what stands under steadiness "
        "and "
        "under the harness's own cost.",
        human_percent(model->margin).text);
}

/* Is what the contestant [k] shows in cell [i] the same as in the cell before? */
static bool same_as_before(const struct model *model, size_t i, size_t k)
{
    const struct result *now = &model->cells[i].results[k];
    const struct result *before = i > 0 ? &model->cells[i - 1].results[k] : NULL;
    return before && now->word == before->word && strcmp(now->reason, before->reason) == 0;
}

static void absent_row(struct page *page, const struct model *model, size_t i, size_t k)
{
    const struct result *result = &model->cells[i].results[k];
    size_t last = i;
    while (last + 1 < model->cell_count && same_as_before(model, last + 1, k))
        last++;
    page_row(page, "");
    page_cell(page, "", "%s", model->contestants[k].name);
    if (last > i)
        page_cell(page, "", "%s and %zu more", model->cells[i].label, last - i);
    else
        page_cell(page, "", "%s", model->cells[i].label);
    page_cell(page,
              "",
              "%s: %s",
              word_looks[result->word].label,
              *result->reason ? result->reason : "no reason given");
    page_cell(page,
              "",
              "%s%s%s",
              *result->reproduce ? "`" : "",
              result->reproduce,
              *result->reproduce ? "`" : "");
}

static bool is_worth_a_line(const struct result *result)
{
    return result->word == WORD_DISQUALIFIED ||
           (result->word == WORD_NOT_RUN && strlen(result->reason) > REASON_FITS);
}

/* Whoever is disqualified, or did not run for a reason that fills no field, with the reason in full
 * and the command that repeats it.
 */
static void absent(struct page *page, const struct model *model)
{
    static const char *const titles[] = {"<contestant", "<cell", "<reason", "<repeat it"};
    bool open = false;
    for (size_t k = 0; k < model->contestant_count; k++)
        for (size_t i = 0; i < model->cell_count; i++) {
            if (!is_worth_a_line(&model->cells[i].results[k]) || same_as_before(model, i, k))
                continue;
            if (!open) {
                page_heading(page, 3, "out", "Who is out, and how to see it again");
                page_table(page, "failures", 4, titles);
            }
            open = true;
            absent_row(page, model, i, k);
        }
    if (open)
        page_table_end(page);
}

void section_matrix(struct page *page, const struct model *model)
{
    const char *titles[64] = {"<cell"};
    char names[63][80];
    int columns = 1;
    for (size_t i = 0; i < model->contestant_count && columns < 64; i++, columns++) {
        snprintf(names[i], sizeof names[i], "<%s", model->contestants[i].name);
        titles[columns] = names[i];
    }
    page_heading(page, 2, "matrix", "Who wins where");
    if (model->cell_count == 0) {
        page_paragraph(page, "empty", "The plan holds no cell.");
        return;
    }
    page_table(page, "matrix", columns, titles);
    const char *lane = "";
    for (size_t i = 0; i < model->cell_count; i++) {
        const struct cell *cell = &model->cells[i];
        if (strcmp(lane, cell->plan->lane) != 0)
            page_group(page, "%s", lane_title(lane = cell->plan->lane));
        char sub[288];
        snprintf(sub,
                 sizeof sub,
                 "%s%s%s%s%s",
                 cell->point,
                 *cell->point ? ", " : "",
                 cell->metric,
                 *cell->remark ? "; ! " : "",
                 cell->remark);
        page_row(page, "");
        page_cell_two(page, "#", cell->plan->scenario, sub, "");
        for (int k = 0; k + 1 < columns; k++)
            matrix_field(page, &cell->results[k]);
    }
    page_table_end(page);
    legend(page, model);
    absent(page, model);
}

/* ---- standings ---- */

/* " Shares inside their family: poisson 2, burst 0." */
static void say_shares(const json_t *shares, char *line, size_t size)
{
    const char *key;
    json_t *value;
    size_t used = 0;
    line[0] = '\0';
    json_object_foreach((json_t *)(uintptr_t)shares, key, value)
    {
        if (used + strlen(key) + 64 < size)
            used += (size_t)snprintf(line + used,
                                     size - used,
                                     "%s%s %g",
                                     used > 0 ? ", " : " Shares, where all others have 1: ",
                                     key,
                                     json_number_value(value));
    }
    if (used > 0)
        snprintf(line + used, size - used, ".");
}

static void weights(struct page *page, const json_t *standing)
{
    const json_t *given = json_object_get(standing, "weights");
    char line[256] = "", shares[600];
    size_t used = 0;
    for (int f = 0; f < JUDGE_FAMILIES; f++) {
        const enum judge_family family = (enum judge_family)f;
        double weight = field_number(given, judge_family_name(family));
        if (isfinite(weight) && weight > 0 && used < sizeof line - 48)
            used += (size_t)snprintf(line + used,
                                     sizeof line - used,
                                     "%s%s %g",
                                     used ? ", " : "",
                                     judge_family_title(family),
                                     weight);
    }
    say_shares(json_object_get(standing, "shares"), shares, sizeof shares);
    page_paragraph(page,
                   "weights",
                   "Weights: %s.%s%s",
                   used ? line : "none",
                   shares,
                   json_is_true(json_object_get(standing, "after_measurement"))
                       ? " They came after the measurement."
                       : "");
}

static void place_row(struct page *page, const json_t *place, size_t position)
{
    const json_t *list = json_object_get(place, "dominates");
    double score = field_number(place, "score"), low = field_number(place, "low");
    struct human interval = {""};
    char cell[160];
    if (position > 1 && isfinite(low))
        interval = human_interval(low, field_number(place, "high"));
    char names[256] = "";
    for (size_t k = 0; k < json_array_size(list); k++) {
        const char *name = json_string_value(json_array_get(list, k));
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", name ? name : "");
    }
    page_row(page, "");
    page_cell(page, "n", "%zu", position);
    page_cell(page, "", "%s", field_text(place, "contestant"));
    page_cell_two(page, "n", human_ratio(score).text, interval.text, "");
    page_cell_two(page,
                  "n",
                  human_ratio(isfinite(score) ? field_number(place, "regret") : NAN).text,
                  isfinite(score) ? human_cell(field_text(place, "regret_in"), cell, sizeof cell)
                                  : "",
                  "");
    page_cell(page, "", "%s", *names ? names : "nobody");
}

/* Who has no place, and which cell is the reason. */
static void place_absent(struct page *page, const json_t *place)
{
    char cell[160];
    page_row(page, "quiet");
    page_cell(page, "n", "–");
    page_cell(page, "", "%s", field_text(place, "contestant"));
    page_cell(page, "n", "–");
    page_cell_two(
        page, "n", "not ranked", human_cell(field_text(place, "out_in"), cell, sizeof cell), "");
    page_cell(page, "", " ");
}

static void places(struct page *page, const json_t *order)
{
    static const char *const titles[] = {
        ">", "<contestant", ">weighted cost", ">worst case", "<dominates"};
    page_table(page, "places", 5, titles);
    for (size_t i = 0; i < json_array_size(order); i++) {
        const json_t *place = json_array_get(order, i);
        if (json_is_false(json_object_get(place, "eligible")))
            place_absent(page, place);
        else
            place_row(page, place, i + 1);
    }
    page_table_end(page);
}

void section_standings(struct page *page, const struct model *model)
{
    const json_t *list = json_object_get(model->verdict, "standings");
    char sentence[2048];
    page_heading(page, 2, "standings", "Which one to take, by what you need");
    if (json_array_size(list) == 0) {
        page_paragraph(page, "empty", "No standing: the verdict holds none.");
        return;
    }
    page_box(page, "cards");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *standing = json_array_get(list, i);
        const char *profile = field_text(standing, "profile");
        const char *winner = json_string_value(json_object_get(standing, "winner"));
        page_box(page, winner ? "card decided" : "card");
        model_mark_names(model, field_text(standing, "sentence"), sentence, sizeof sentence);
        bool tie = json_is_true(json_object_get(standing, "tie"));
        const char *outcome = winner ? winner : tie ? "a tie" : "no winner";
        page_heading(page, 3, "", "%s: %s", profile, outcome);
        page_paragraph(page, "", "%s", sentence);
        places(page, json_object_get(standing, "order"));
        weights(page, standing);
        page_box_end(page);
    }
    page_box_end(page);
    page_paragraph(page,
                   "legend",
                   "Weighted cost: the geometric mean of the cell costs under the weights, as a "
                   "multiple of the first. Worst case: the largest ratio to the best of a cell. "
                   "Dominates: faster somewhere and slower nowhere. Whoever is disqualified or did "
                   "not run in a cell with weight has no place here.");
}
