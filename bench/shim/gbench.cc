/* SPDX-License-Identifier: MIT */
/*
 * gbench.cc - the C border of Google Benchmark 1.7.1. The only C++ here.
 *
 * The idea: the library checks its callers with abort() and exit(), which no C program can catch.
 * So each entry point first asks the question that the library would abort on, keeps the little
 * state that is needed to ask it (is the clock running? was the loop finished?), and catches what
 * is thrown. A body is entered in one place, run_body(), which brings the library's loop to its end
 * whatever the body did.
 */
#include "gbench.h"

#include "flags.h"

#include <benchmark/benchmark.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

struct velo_gb_case {
    benchmark::internal::Benchmark *handle; /* owned by the library */
    velo_gb_body body;
    void *user;
    size_t arg_count;   /* of each run; all runs of a case have as many */
    bool has_arguments; /* some were given: arg_count is fixed */
    bool has_min_time;
    bool has_iterations;
};

struct velo_gb_state {
    benchmark::State &inner;
    const velo_gb_case &owner;
    bool started;  /* the loop was entered: the library's clock exists */
    bool finished; /* the loop said no: it must not be asked again */
    bool paused;   /* by velo_gb_pause() */
};

namespace
{

std::vector<std::unique_ptr<velo_gb_case>> cases;
std::set<std::string> names;
std::set<std::string> context_keys;
std::atomic<size_t> refused{0}; /* settings that were not taken */
std::atomic<size_t> thrown{0};  /* exceptions caught at the border */

std::mutex error_mutex;
char error_text[512];

/* Remember why, without allocating: this is also where a bad_alloc ends. */
void remember(const char *what, const char *detail) noexcept
{
    std::lock_guard<std::mutex> lock(error_mutex);
    snprintf(error_text, sizeof error_text, "%s%s", what, detail);
}

int refuse(const std::string &why)
{
    remember(why.c_str(), "");
    refused++;
    return -EINVAL;
}

void remember_exception() noexcept
{
    thrown++;
    try {
        throw;
    } catch (const std::exception &e) {
        remember("exception: ", e.what());
    } catch (...) {
        remember("exception of unknown type", "");
    }
}

/* Run [work], which returns Result; on an exception answer [otherwise]. */
template <class Result, class Work> Result guarded(Result otherwise, Work work) noexcept
{
    try {
        return work();
    } catch (...) {
        remember_exception();
        return otherwise;
    }
}

template <class Work> void guarded(Work work) noexcept
{
    try {
        work();
    } catch (...) {
        remember_exception();
    }
}

int init(int *argc, char **argv)
{
    char why[300];
    bool ok = flag_check_environment(why, sizeof why);
    for (int i = 1; i < *argc && ok; i++)
        ok = !flag_is_ours(argv[i]) || flag_check(argv[i], why, sizeof why);
    if (!ok)
        return refuse(why);

    std::vector<char *> theirs{argv[0]};
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        if (flag_is_ours(argv[i]))
            theirs.push_back(argv[i]);
        else
            argv[kept++] = argv[i];
    }
    *argc = kept;
    argv[kept] = nullptr;
    int count = static_cast<int>(theirs.size());
    theirs.push_back(nullptr);
    benchmark::Initialize(&count, theirs.data());
    return count > 1 ? refuse(std::string(theirs[1]) + ": not taken by the library") : 0;
}

/* ---- bodies ---- */

void skip(velo_gb_state &state, const char *why) noexcept
{
    if (state.inner.error_occurred())
        return; /* the first reason stands */
    state.paused = false;
    guarded([&] { state.inner.SkipWithError(why); });
}

/* As the library's own loop, but the clock is started again before it is asked to stop. */
bool next_batch(velo_gb_state &state, int64_t n)
{
    if (state.finished)
        return false;
    if (n <= 0) {
        skip(state, "velo_gb_next_batch: the batch must hold at least one iteration");
        n = 1;
    }
    if (state.paused)
        state.inner.ResumeTiming();
    state.paused = false;
    state.started = true;
    if (state.inner.KeepRunningBatch(n))
        return true;
    state.finished = true;
    return false;
}

/* Enter the body, then bring the loop to its end: the library aborts if it is left early. */
void run_body(const velo_gb_case &owner, benchmark::State &inner)
{
    velo_gb_state state{inner, owner, false, false, false};
    try {
        owner.body(&state, owner.user);
    } catch (...) {
        remember_exception();
        skip(state, "the body threw an exception");
    }
    if (!state.finished)
        skip(state, "the body returned before its loop had ended");
    while (next_batch(state, state.inner.max_iterations))
        continue;
}

/* What the library registers; it owns it. */
class c_benchmark : public benchmark::internal::Benchmark
{
  public:
    c_benchmark(const char *name, const velo_gb_case &owner) : Benchmark(name), owner_(owner)
    {
    }

    void Run(benchmark::State &state) override
    {
        run_body(owner_, state);
    }

  private:
    const velo_gb_case &owner_;
};

/* ---- reporting ---- */

const char *unit_name(benchmark::TimeUnit unit)
{
    switch (unit) {
    case benchmark::kNanosecond:
        return "ns";
    case benchmark::kMicrosecond:
        return "us";
    case benchmark::kMillisecond:
        return "ms";
    case benchmark::kSecond:
        break;
    }
    return "s";
}

const char *scaling_name(benchmark::CPUInfo::Scaling scaling)
{
    if (scaling == benchmark::CPUInfo::ENABLED)
        return "enabled";
    return scaling == benchmark::CPUInfo::DISABLED ? "disabled" : "unknown";
}

class sink_reporter : public benchmark::BenchmarkReporter
{
  public:
    explicit sink_reporter(const velo_gb_sink *sink) : sink_(sink)
    {
    }

    /* False here would silently run nothing. */
    bool ReportContext(const Context &context) override
    {
        velo_gb_machine machine{context.sys_info.name.c_str(),
                                scaling_name(context.cpu_info.scaling),
                                context.cpu_info.num_cpus,
                                context.cpu_info.cycles_per_second};
        if (sink_ && sink_->machine)
            sink_->machine(sink_->ctx, &machine);
        return true;
    }

    void ReportRuns(const std::vector<Run> &runs) override
    {
        for (const Run &run : runs)
            guarded([&] { report(run); });
    }

    void Finalize() override
    {
        if (sink_ && sink_->finish)
            sink_->finish(sink_->ctx);
    }

    size_t failed() const
    {
        return failed_;
    }

  private:
    void report(const Run &run)
    {
        failed_ += run.error_occurred;
        if (!sink_ || !sink_->run)
            return;
        std::vector<velo_gb_counter> counters;
        for (const auto &counter : run.counters)
            counters.push_back({counter.first.c_str(), counter.second.value});
        std::string name = run.benchmark_name();
        bool aggregate = run.run_type == Run::RT_Aggregate;
        velo_gb_report out{};
        out.name = name.c_str();
        out.kind = aggregate ? run.aggregate_name.c_str() : "iteration";
        out.unit = unit_name(run.time_unit);
        out.label = run.report_label.c_str();
        out.error = run.error_occurred ? run.error_message.c_str() : "";
        out.iterations = run.iterations;
        out.threads = run.threads;
        out.real = run.error_occurred ? 0 : run.GetAdjustedRealTime();
        out.cpu = run.error_occurred ? 0 : run.GetAdjustedCPUTime();
        out.counters = counters.data();
        out.counter_count = counters.size();
        sink_->run(sink_->ctx, &out);
    }

    const velo_gb_sink *sink_;
    size_t failed_ = 0;
};

int run_all(const velo_gb_sink *sink, velo_gb_totals *totals)
{
    sink_reporter reporter(sink);
    size_t matched = refused ? 0 : benchmark::RunSpecifiedBenchmarks(&reporter);
    size_t failed = reporter.failed() + thrown;
    if (totals)
        *totals = {matched, failed};
    if (refused)
        return -EINVAL;
    if (matched == 0) {
        remember("no case matches the filter", "");
        return -ENOENT;
    }
    return failed > 0 ? -EIO : 0;
}

/* Apply a setting that the library accepts for sure. */
template <class Work> int set(velo_gb_case *c, Work work)
{
    return guarded(-ENOMEM, [&] {
        if (!c)
            return refuse("a setting of a case that does not exist");
        work(*c->handle);
        return 0;
    });
}

} // namespace

/* ---- the registry ---- */

int velo_gb_init(int *argc, char **argv)
{
    return guarded(-ENOMEM, [&] { return init(argc, argv); });
}

int velo_gb_unrecognized(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        fprintf(stderr, "%s: unknown argument: %s\n", argv[0], argv[i]);
    return argc > 1 ? argc - 1 : 0;
}

int velo_gb_context(const char *key, const char *value)
{
    return guarded(-ENOMEM, [&] {
        if (!context_keys.insert(key).second)
            return -EEXIST;
        benchmark::AddCustomContext(key, value);
        return 0;
    });
}

velo_gb_case *velo_gb_add(const char *name, velo_gb_body body, void *user)
{
    return guarded(static_cast<velo_gb_case *>(nullptr), [&]() -> velo_gb_case * {
        if (!name || !body || !names.insert(name).second) {
            refuse("velo_gb_add: needs a body, and a name that is not there yet");
            return nullptr;
        }
        auto fresh = std::make_unique<velo_gb_case>();
        velo_gb_case *c = fresh.get();
        c->body = body;
        c->user = user;
        cases.push_back(std::move(fresh));
        /* NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): the library owns it */
        c->handle = benchmark::internal::RegisterBenchmarkInternal(new c_benchmark(name, *c));
        return c;
    });
}

int velo_gb_arg(velo_gb_case *c, int64_t value)
{
    return velo_gb_args(c, &value, 1);
}

int velo_gb_args(velo_gb_case *c, const int64_t *values, size_t count)
{
    return guarded(-ENOMEM, [&] {
        if (!c || !values || count == 0 || (c->has_arguments && c->arg_count != count))
            return refuse("velo_gb_args: every run of a case takes as many arguments");
        c->has_arguments = true;
        c->arg_count = count;
        c->handle->Args(std::vector<int64_t>(values, values + count));
        return 0;
    });
}

int velo_gb_arg_names(velo_gb_case *c, const char *const *list, size_t count)
{
    return guarded(-ENOMEM, [&] {
        if (!c || !list || !c->has_arguments || c->arg_count != count)
            return refuse("velo_gb_arg_names: one name for each argument, after velo_gb_args");
        c->handle->ArgNames(std::vector<std::string>(list, list + count));
        return 0;
    });
}

int velo_gb_threads(velo_gb_case *c, int threads)
{
    if (threads < 1)
        return guarded(-EINVAL, [] { return refuse("velo_gb_threads: at least 1"); });
    return set(c, [&](benchmark::internal::Benchmark &b) { b.Threads(threads); });
}

int velo_gb_min_time(velo_gb_case *c, double seconds)
{
    if (!c || c->has_iterations || !std::isfinite(seconds) || seconds <= 0)
        return guarded(-EINVAL, [] {
            return refuse("velo_gb_min_time: more than 0 seconds, and not with velo_gb_iterations");
        });
    c->has_min_time = true;
    return set(c, [&](benchmark::internal::Benchmark &b) { b.MinTime(seconds); });
}

int velo_gb_iterations(velo_gb_case *c, int64_t count)
{
    if (!c || c->has_min_time || count < 1)
        return guarded(-EINVAL, [] {
            return refuse("velo_gb_iterations: at least 1, and not with velo_gb_min_time");
        });
    c->has_iterations = true;
    return set(c, [&](benchmark::internal::Benchmark &b) { b.Iterations(count); });
}

int velo_gb_repetitions(velo_gb_case *c, int count)
{
    if (count < 1)
        return guarded(-EINVAL, [] { return refuse("velo_gb_repetitions: at least 1"); });
    return set(c, [&](benchmark::internal::Benchmark &b) { b.Repetitions(count); });
}

int velo_gb_unit(velo_gb_case *c, velo_gb_time_unit unit)
{
    static const benchmark::TimeUnit units[] = {benchmark::kNanosecond,
                                                benchmark::kMicrosecond,
                                                benchmark::kMillisecond,
                                                benchmark::kSecond};
    if (unit < VELO_GB_NS || unit > VELO_GB_S)
        return guarded(-EINVAL, [] { return refuse("velo_gb_unit: no such unit"); });
    return set(c, [&](benchmark::internal::Benchmark &b) { b.Unit(units[unit]); });
}

int velo_gb_real_time(velo_gb_case *c)
{
    return set(c, [](benchmark::internal::Benchmark &b) { b.UseRealTime(); });
}

int velo_gb_manual_time(velo_gb_case *c)
{
    return set(c, [](benchmark::internal::Benchmark &b) { b.UseManualTime(); });
}

int velo_gb_process_cpu_time(velo_gb_case *c)
{
    return set(c, [](benchmark::internal::Benchmark &b) { b.MeasureProcessCPUTime(); });
}

int velo_gb_run(const velo_gb_sink *sink, velo_gb_totals *totals)
{
    return guarded(-EIO, [&] { return run_all(sink, totals); });
}

void velo_gb_shutdown(void)
{
    guarded([] {
        benchmark::ClearRegisteredBenchmarks();
        benchmark::Shutdown();
        /* The library deletes its context but keeps the pointer. */
        benchmark::internal::GetGlobalContext() = nullptr;
        cases.clear();
        names.clear();
        context_keys.clear();
        refused = 0;
        thrown = 0;
        remember("", "");
    });
}

const char *velo_gb_error(void)
{
    static thread_local char copy[sizeof error_text];
    std::lock_guard<std::mutex> lock(error_mutex);
    memcpy(copy, error_text, sizeof copy);
    return copy;
}

/* ---- inside a body ---- */

bool velo_gb_next_batch(velo_gb_state *state, int64_t n)
{
    return guarded(false, [&] { return next_batch(*state, n); });
}

int64_t velo_gb_budget(const velo_gb_state *state)
{
    return state->inner.max_iterations;
}

int64_t velo_gb_iteration_count(const velo_gb_state *state)
{
    return state->inner.iterations();
}

int velo_gb_thread_index(const velo_gb_state *state)
{
    return state->inner.thread_index();
}

int velo_gb_thread_count(const velo_gb_state *state)
{
    return state->inner.threads();
}

int64_t velo_gb_state_arg(velo_gb_state *state, size_t index)
{
    if (index < state->owner.arg_count)
        return state->inner.range(index);
    skip(*state, "velo_gb_state_arg: the case has no such argument");
    return 0;
}

void velo_gb_pause(velo_gb_state *state)
{
    if (!state->started || state->finished || state->paused || state->inner.error_occurred()) {
        skip(*state, "velo_gb_pause: the clock is not running");
        return;
    }
    state->paused = true;
    guarded([&] { state->inner.PauseTiming(); });
}

void velo_gb_resume(velo_gb_state *state)
{
    if (!state->paused) {
        skip(*state, "velo_gb_resume: the clock was not paused");
        return;
    }
    state->paused = false;
    guarded([&] { state->inner.ResumeTiming(); });
}

void velo_gb_iter_seconds(velo_gb_state *state, double seconds)
{
    if (std::isfinite(seconds) && seconds >= 0)
        guarded([&] { state->inner.SetIterationTime(seconds); });
    else
        skip(*state, "velo_gb_iter_seconds: not a time");
}

void velo_gb_items(velo_gb_state *state, int64_t items)
{
    guarded([&] { state->inner.SetItemsProcessed(items); });
}

void velo_gb_bytes(velo_gb_state *state, int64_t bytes)
{
    guarded([&] { state->inner.SetBytesProcessed(bytes); });
}

void velo_gb_set_counter(velo_gb_state *state, const char *name, double value, unsigned wanted)
{
    using benchmark::Counter;
    static const struct {
        unsigned ours;
        Counter::Flags theirs;
    } map[] = {{VELO_GB_RATE, Counter::kIsRate},
               {VELO_GB_PER_THREAD, Counter::kAvgThreads},
               {VELO_GB_PER_ITERATION, Counter::kAvgIterations},
               {VELO_GB_INVERT, Counter::kInvert}};
    Counter::Flags flag = Counter::kDefaults;
    for (const auto &entry : map)
        if (wanted & entry.ours)
            flag = flag | entry.theirs;
    guarded([&] { state->inner.counters[name] = Counter(value, flag); });
}

void velo_gb_set_label(velo_gb_state *state, const char *label)
{
    guarded([&] { state->inner.SetLabel(label); });
}

void velo_gb_skip(velo_gb_state *state, const char *why)
{
    skip(*state, why && *why ? why : "declared wrong without a reason");
}

bool velo_gb_failed(const velo_gb_state *state)
{
    return state->inner.error_occurred();
}
