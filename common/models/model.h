/* SPDX-License-Identifier: MIT */
/*
 * What the Relacy models share: memory orders and faults that can be chosen on the command line, so
 * that one program runs the model and all its variants, and the search itself.
 *
 * ORDER() states the order of one operation of the source; scripts/models.sh compares it with that
 * source. FAULT() names a deliberate mistake. Both are registered, so an unknown name on the
 * command line is an error and a variant cannot pass by being misspelt.
 *
 *   PROGRAM [NAME=order | FAULT]... [--full] [--trace]
 * prints one line: RESULT EXECUTIONS, where RESULT is ok, or how the model failed.
 */
#ifndef MODELS_MODEL_H
#define MODELS_MODEL_H

#include <relacy/relacy.hpp>

#include <cstdio>
#include <cstring>
#include <iostream>
#include <sstream>

struct order {
    const char *name;
    rl::memory_order mo;
    rl::memory_order fail; /* of a failed compare-and-swap */
    order *others;
    static order *all;

    order(const char *name, rl::memory_order mo, rl::memory_order fail = rl::mo_relaxed)
        : name(name), mo(mo), fail(fail), others(all)
    {
        all = this;
    }
};

struct fault {
    const char *name;
    bool on;
    fault *others;
    static fault *all;

    explicit fault(const char *name) : name(name), on(false), others(all)
    {
        all = this;
    }
    operator bool() const
    {
        return on;
    }
};

order *order::all;
fault *fault::all;

/* ORDER(name, tag, file, function, operation, order[, order of a failed exchange]) */
#define ORDER(name, tag, file, function, operation, ...) static order name(#name, MO(__VA_ARGS__))
#define MO(...) MO_OF(__VA_ARGS__, none, none)
#define MO_OF(mo, fail, ...) rl::mo_##mo, MO_FAIL_##fail
#define MO_FAIL_none rl::mo_relaxed
#define MO_FAIL_relaxed rl::mo_relaxed
#define MO_FAIL_acquire rl::mo_acquire
#define MO_FAIL_seq_cst rl::mo_seq_cst
#define FAULT(name) static fault name(#name)

/* The operations, with an order of the table. */
#define LOAD(x, o) (x)($).load((o).mo)
#define STORE(x, v, o) (x)($).store(v, (o).mo)
#define EXCHANGE(x, v, o) (x)($).exchange(v, (o).mo)
#define ADD(x, v, o) (x)($).fetch_add(v, (o).mo)
#define SUB(x, v, o) (x)($).fetch_sub(v, (o).mo)
#define OR(x, v, o) (x)($).fetch_or(v, (o).mo)
#define CAS(x, old, v, o) (x)($).compare_exchange_strong(old, v, (o).mo, (o).fail)
#define CHECK(condition) RL_ASSERT(condition)
#define YIELD() rl::yield(1, $)

/* An eventfd or a futex queue: a signal is kept until somebody waits; waiting takes it. */
class kernel_event
{
  public:
    kernel_event() : data(rl::ctx().event_ctor(false, false))
    {
    }
    ~kernel_event()
    {
        rl::ctx().event_dtor(data);
    }
    void signal(rl::debug_info_param info)
    {
        data->set(info);
    }
    void wait(rl::debug_info_param info)
    {
        data->wait(false, false, info);
    }

  private:
    rl::event_data *data;
};

static bool read_order(const char *text, rl::memory_order *mo)
{
    static const struct {
        const char *text;
        rl::memory_order mo;
    } known[] = {{"relaxed", rl::mo_relaxed},
                 {"acquire", rl::mo_acquire},
                 {"release", rl::mo_release},
                 {"acq_rel", rl::mo_acq_rel},
                 {"seq_cst", rl::mo_seq_cst}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].text, text) == 0) {
            *mo = known[i].mo;
            return true;
        }
    }
    return false;
}

/* NAME=order or FAULT */
static bool choose(const char *text)
{
    const char *equals = strchr(text, '=');
    for (order *o = order::all; equals != NULL && o != NULL; o = o->others) {
        if (strlen(o->name) == size_t(equals - text) &&
            strncmp(o->name, text, size_t(equals - text)) == 0) {
            o->fail = rl::mo_relaxed;
            return read_order(equals + 1, &o->mo);
        }
    }
    for (fault *f = fault::all; equals == NULL && f != NULL; f = f->others) {
        if (strcmp(f->name, text) == 0)
            return f->on = true;
    }
    return false;
}

static const char *result_word(rl::test_result_e result)
{
    switch (result) {
    case rl::test_result_success:
        return "ok";
    case rl::test_result_user_assert_failed:
        return "assertion";
    case rl::test_result_data_race:
        return "race";
    case rl::test_result_access_to_freed_memory:
        return "freed";
    case rl::test_result_double_free:
        return "double-free";
    case rl::test_result_memory_leak:
        return "leak";
    case rl::test_result_unitialized_access:
        return "uninitialized";
    case rl::test_result_deadlock:
        return "deadlock";
    case rl::test_result_livelock:
        return "livelock";
    default:
        return "other";
    }
}

/*
 * How to search: every interleaving; those with at most [limit] pre-emptions; [limit] random ones.
 */
#define EVERY rl::full_search_scheduler, rl::sched_full
#define PREEMPTIONS rl::context_bound_scheduler, rl::sched_bound
#define RANDOM rl::random_scheduler, rl::sched_random

/* The trace is that of the failing execution, run once more. */
template <typename test, template <rl::thread_id_t> class scheduler, rl::scheduler_type_e type>
static rl::test_params run_search(unsigned limit, bool trace)
{
    typedef scheduler<test::params::thread_count> searcher;
    std::ostream nowhere(NULL); /* a stream that allocates would disturb the model's memory */
    rl::ostringstream state, unused;
    rl::test_params params;
    params.search_type = type;
    params.context_bound = limit;
    params.iteration_count = type == rl::sched_random ? limit : 1000;
    params.execution_depth_limit = 4000;
    params.output_stream = trace ? &std::cout : &nowhere;
    params.progress_stream = &nowhere;
    rl::run_test<test, searcher>(params, state, false);
    if (trace && params.test_result != rl::test_result_success) {
        params.initial_state = state.str();
        params.collect_history = true;
        rl::run_test<test, searcher>(params, unused, true);
    }
    return params;
}

typedef rl::test_params run_fn(unsigned limit, bool trace);

/* Two scenarios of one model: the first failure, or the executions of both. */
template <run_fn *first, run_fn *second> static rl::test_params run_both(unsigned limit, bool trace)
{
    rl::test_params a = first(limit, trace);
    if (a.test_result != rl::test_result_success)
        return a;
    rl::test_params b = second(limit, trace);
    b.stop_iteration += a.stop_iteration;
    return b;
}

/* Run [quick], or [thorough] when --full was given. */
static int
run_model(int argc, char **argv, run_fn *quick, unsigned limit, run_fn *thorough, unsigned more)
{
    bool full = false;
    bool trace = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--full") == 0) {
            full = true;
        } else if (strcmp(argv[i], "--trace") == 0) {
            trace = true;
        } else if (!choose(argv[i])) {
            fprintf(stderr, "%s: no order or fault '%s'\n", argv[0], argv[i]);
            return 2;
        }
    }
    rl::test_params result = full ? thorough(more, trace) : quick(limit, trace);
    printf("%s %llu\n", result_word(result.test_result), (unsigned long long)result.stop_iteration);
    return 0;
}

#endif
