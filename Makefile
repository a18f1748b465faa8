# SPDX-License-Identifier: MIT
# One non-recursive Makefile. Sources are found by wildcard: adding a contestant, a test, a case or a
# scenario needs no line here. `make help` lists the targets; V= picks the build variant.
#
# From top to bottom: variants and flags, libraries, compiling, one set of programs per contestant,
# the shared programs, unit tests, the hand-over, and the thin names for build/velo and scripts/.

V ?= release
VARIANTS := release debug asan tsan cov lto sched delays
ifeq ($(filter $(V),$(VARIANTS)),)
$(error V=$(V) is unknown; choose one of: $(VARIANTS))
endif
B := build/$(V)
VERSION := 0.1.0

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

CC ?= cc
CXX ?= c++
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := g++
endif

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wcast-qual -Wvla -Wundef
CWARN := $(WARN) -Wmissing-prototypes -Wstrict-prototypes
WERROR ?= -Werror
# -fPIC once, so that the same objects make programs, libvelo.a and libvelo.so.
OPT_release := -O2 -g -DNDEBUG
OPT_debug := -O1 -g -DVELO_POINTS
OPT_asan := -O1 -g -DVELO_POINTS -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_tsan := -O1 -g -DVELO_POINTS -fsanitize=thread -fno-omit-frame-pointer
OPT_cov := -O0 -g --coverage -DVELO_COVERAGE -DVELO_POINTS
OPT_lto := -O2 -g -DNDEBUG -flto=auto
OPT_sched := -O1 -g # the library under the scheduler of common/sched: only for build/sched/NAME/explore
OPT_delays := -O1 -g -DVELO_DELAYS # threads lose the processor at random: common/parts/delays.c
MODE := $(OPT_$(V)) -fPIC -fvisibility=hidden -pthread
CPPFLAGS += -D_GNU_SOURCE -Icommon/include -I.
CFLAGS_ALL = -std=c11 $(CWARN) $(WERROR) $(MODE) $(CFLAGS)
CXXFLAGS_ALL = -std=c++17 $(WARN) $(WERROR) $(MODE) $(CXXFLAGS)
LDFLAGS_ALL = $(MODE) $(LDFLAGS)

# One short line per command; Q= prints the commands themselves.
Q ?= @
say = $(if $(Q),@printf '  %-5s %s\n' $(1) $@)

# Who needs a library, which the folder names, is left out without it: scripts/library.sh says why.
# That are the guests, and natives who say so there.
users := $(patsubst impls/%/library,%,$(wildcard impls/*/library))
guests := $(if $(users),$(shell scripts/library.sh guests))
absent := $(if $(users),$(shell scripts/library.sh absent))
impls := $(filter-out $(absent),$(patsubst impls/%/loop.c,%,$(wildcard impls/*/loop.c)))
natives := $(filter-out $(guests),$(impls))
objs = $(patsubst %.c,$(B)/obj/%.o,$(wildcard $(1)))
cxxobjs = $(patsubst %.cc,$(B)/obj/%.o,$(wildcard $(1)))

common_objs := $(call objs,common/*.c common/parts/*.c common/api/*.c)
guest_objs := $(call objs,common/guest/*.c)
sim_objs := $(call objs,common/sim/*.c)
sched_objs := $(call objs,common/sched/*.c)
conformance_objs := $(call objs,common/conformance/*.c)
stress_objs := $(call objs,common/stress/*.c)
race_objs := $(call objs,bench/race/*.c)
shim_objs := $(call objs,bench/shim/*.c) $(call cxxobjs,bench/shim/*.cc)
micro_objs := $(call objs,bench/micro/*.c) $(shim_objs)
process_objs := $(call objs,bench/process/*.c)
# Of the probes of io_uring there are two versions; which one, the packages decide.
uring_absent := $(shell pkg-config --exists liburing 2>/dev/null || echo yes)
limits_left_out := %/limits/$(if $(uring_absent),uring,uring_absent).o
limits_objs := $(filter-out $(limits_left_out),$(call objs,bench/limits/*.c))
judge_objs := $(call objs,reports/judge/*.c)
targets_objs := $(call objs,reports/targets/*.c)
render_objs := $(call objs,reports/render/*.c)
history_objs := $(call objs,reports/history/*.c)
tournament_objs := $(call objs,bench/tournament/*.c bench/race/variants.c bench/limits/derive.c)
selfcheck_objs := $(call objs,bench/selfcheck/*.c)
examples := $(patsubst common/examples/%.c,%,$(wildcard common/examples/*.c))

.PHONY: all
all: # build, with the packages first
	$(call setup_first)
	$(submake) build

# ---- libraries from packages; each is asked for once, when the first rule needs it ----
pkg = $(shell pkg-config $(1) $(2) || echo "run scripts/setup.sh: it installs what is missing" >&2)
once = $(eval $(1) := $$(call pkg,$(2),$(3)) $(4))$($(1))
RACE_CFLAGS = $(call once,RACE_CFLAGS,--cflags,lua5.4 jansson)
RACE_LIBS = $(call once,RACE_LIBS,--libs,lua5.4 jansson,-lm)
MICRO_LIBS = $(call once,MICRO_LIBS,--libs,benchmark jansson,-lm)
CONFORMANCE_LIBS = $(call once,CONFORMANCE_LIBS,--libs,cmocka jansson)
LIMITS_LIBS = $(call once,LIMITS_LIBS,--libs,jansson $(if $(uring_absent),,liburing),-lm)
VELO_LIBS = $(call once,VELO_LIBS,--libs,jansson libmd sqlite3 gsl,-lm)
ORACLE_LIBS = $(call once,ORACLE_LIBS,--libs,gsl)
$(B)/obj/bench/race/%.o $(B)/obj/bench/micro/%.o: CPPFLAGS += $(RACE_CFLAGS)

# ---- compile ----
# the report tells with which flags all contestants were compiled
$(B)/obj/bench/tournament/env.o: CPPFLAGS += -DVELO_BUILD_FLAGS='"$(strip $(OPT_$(V)) -std=c11)"'

# The scheduler looks at every atomic operation and system call of the library.
ifeq ($(V),sched)
$(common_objs) $(call objs,impls/*/*.c): CPPFLAGS += -include common/sched/seams.h
endif
ifeq ($(V),delays)
$(common_objs) $(guest_objs) $(call objs,impls/*/*.c): CPPFLAGS += -finstrument-functions
endif

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(B)/obj/%.o: %.cc
	@mkdir -p $(@D)
	$(call say,CXX)
	$(Q)$(CXX) $(CPPFLAGS) $(CXXFLAGS_ALL) -MMD -MP -c -o $@ $<

# The list of sources is a prerequisite of every link: a deleted or renamed file links anew too.
sources := $(wildcard common/*.c common/*/*.c impls/*/*.c bench/*/*.c bench/*/*/*.c bench/*/*.cc reports/*/*.c)
$(B)/sources: FORCE
	@mkdir -p $(@D)
	@echo '$(sources)' | cmp -s - $@ || echo '$(sources)' >$@
.PHONY: FORCE
inputs = $(filter %.o %.a,$^)
define link
	$(call say,LINK)
	$(Q)mkdir -p $(@D)
	$(Q)$(1) $(LDFLAGS_ALL) -o $@ $(inputs) $(2)
endef

$(B)/libcommon.a: $(common_objs) $(B)/sources
	$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $(inputs)

# What the race program is made of, for the micro program, which takes from it what it needs.
$(B)/libbench.a: $(filter-out %/main.o,$(race_objs)) $(B)/sources
	$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $(inputs)

# ---- one set of programs for each contestant: program, contestant, libcommon.a, in that order ----
# The contestant's objects precede the archive, so what it defines wins over the default body. So do
# those that all guests share; and who needs a library links it.
# velo.o is the contestant as one object for the hand-over: inner names are made local to it.
api_complete := $(B)/obj/common/conformance/api_complete.o
define contestant
impl_objs_$(1) := $(call objs,impls/$(1)/*.c) $(if $(filter $(1),$(guests)),$(guest_objs))
impl_inputs_$(1) := $$(impl_objs_$(1)) $(B)/libcommon.a $(B)/sources
impl_libs_$(1) := $(if $(filter $(1),$(users)),$(shell scripts/library.sh libs $(1)))
$(call objs,impls/$(1)/*.c bench/micro/libraries/$(1).c): CPPFLAGS += $(if $(filter $(1),$(users)),$(shell scripts/library.sh cflags $(1)))
$(B)/$(1)/conformance: $(conformance_objs) $(sim_objs) $$(impl_inputs_$(1))
	$$(call link,$(CC),$$(CONFORMANCE_LIBS) $$(impl_libs_$(1)))
$(B)/$(1)/explore: $(sched_objs) $$(impl_inputs_$(1))
	$$(call link,$(CC))
$(B)/$(1)/stress: $(stress_objs) $(api_complete) $$(impl_inputs_$(1))
	$$(call link,$(CC),$$(impl_libs_$(1)))
$(B)/$(1)/race: $(race_objs) $(api_complete) $$(impl_inputs_$(1))
	$$(call link,$(CC),$$(RACE_LIBS) $$(impl_libs_$(1)))
$(B)/$(1)/micro: $(micro_objs) $(call objs,bench/micro/libraries/$(1).c) $(B)/libbench.a $(api_complete) \
                 $$(impl_inputs_$(1))
	$$(call link,$(CXX),$$(MICRO_LIBS) $$(impl_libs_$(1)))
$(B)/$(1)/process: $(process_objs) $(api_complete) $$(impl_inputs_$(1))
	$$(call link,$(CC),$$(impl_libs_$(1)))
$(B)/$(1)/example-%: $(B)/obj/common/examples/%.o $(api_complete) $$(impl_inputs_$(1))
	$$(call link,$(CC),$$(impl_libs_$(1)))
$(B)/$(1)/velo.o: $$(impl_objs_$(1)) $(api_complete) $(B)/libcommon.a $(B)/sources
	$$(call say,LD)
	$(Q)mkdir -p $$(@D)
	$(Q)ld -r -o $$@ $$(inputs) && objcopy --localize-hidden $$@
endef
$(foreach impl,$(impls),$(eval $(call contestant,$(impl))))

# Variants that are linked with another part: bench/race/linked/PART.c goes first, and the contestant's
# own choice of that part, which stands alone in its timers.c, is left out. A contestant has the one
# that it is not: wheel if it has chosen the heap, heap if it has chosen nothing. Guests have none.
linked_as = $(if $(wildcard impls/$(1)/timers.c),$(if $(shell grep -l timers_heap.h impls/$(1)/timers.c),wheel),heap)
define linked_variant
linked_inputs_$(1) := $(B)/obj/bench/race/linked/$(2).o $$(filter-out %/timers.o,$$(impl_objs_$(1))) \
                      $(B)/libcommon.a $(B)/sources
$(B)/$(1)/$(2)/race: $(race_objs) $(api_complete) $$(linked_inputs_$(1))
	$$(call link,$(CC),$$(RACE_LIBS) $$(impl_libs_$(1)))
$(B)/$(1)/$(2)/micro: $(micro_objs) $(B)/libbench.a $(api_complete) $$(linked_inputs_$(1))
	$$(call link,$(CXX),$$(MICRO_LIBS) $$(impl_libs_$(1)))
$(B)/$(1)/$(2)/conformance: $(conformance_objs) $(sim_objs) $$(linked_inputs_$(1))
	$$(call link,$(CC),$$(CONFORMANCE_LIBS) $$(impl_libs_$(1)))
linked_programs += $(addprefix $(B)/$(1)/$(2)/,race micro conformance)
endef
$(foreach impl,$(natives),$(foreach as,$(call linked_as,$(impl)),$(eval $(call linked_variant,$(impl),$(as)))))
.PHONY: variants
variants: $(linked_programs) ## the variants that are linked with other parts: IMPL:heap, IMPL:wheel

# Contestants with a fault, for the tests of the tournament and for the self-check: mutex with those
# functions wrapped for which the file defines __wrap_NAME. "slow" is none: right, but slower.
faulty := $(patsubst bench/tournament/faulty/%.c,%,$(wildcard bench/tournament/faulty/*.c))
wrap = $(shell grep -o '__wrap_[a-z_]*' bench/tournament/faulty/$(1).c | sort -u | sed 's/__wrap_/-Wl,--wrap=/')
define faulty_contestant
faulty_inputs_$(1) := $(B)/obj/bench/tournament/faulty/$(1).o $$(impl_inputs_mutex)
$(B)/faulty/$(1)/race: $(race_objs) $(api_complete) $$(faulty_inputs_$(1))
	$$(call link,$(CC),$$(call wrap,$(1)) $$(RACE_LIBS))
$(B)/faulty/$(1)/conformance: $(conformance_objs) $(sim_objs) $$(faulty_inputs_$(1))
	$$(call link,$(CC),$$(call wrap,$(1)) $$(CONFORMANCE_LIBS))
$(B)/faulty/$(1)/micro: $(micro_objs) $(B)/libbench.a $(api_complete) $$(faulty_inputs_$(1))
	$$(call link,$(CXX),$$(call wrap,$(1)) $$(MICRO_LIBS))
endef
$(foreach name,$(faulty),$(eval $(call faulty_contestant,$(name))))
.PHONY: faulty
faulty: $(foreach name,$(faulty),$(B)/faulty/$(name)/race $(B)/faulty/$(name)/conformance) \
        $(B)/faulty/slow/micro

# No event loop at all: what the race and the micro program themselves cost. No contestant, hence no
# folder of its own beside theirs.
null_inputs := $(call objs,bench/null/*.c) $(impl_inputs_mutex)
null_programs := $(B)/harness/null/race $(B)/harness/null/micro
null_wrap := -Wl,--wrap=velo_submit -Wl,--wrap=velo_submit_many -Wl,--wrap=velo_queue_microtask \
             -Wl,--wrap=velo_impl
$(B)/harness/null/race: $(race_objs) $(api_complete) $(null_inputs)
	$(call link,$(CC),$(null_wrap) $(RACE_LIBS))
$(B)/harness/null/micro: $(micro_objs) $(B)/libbench.a $(api_complete) $(null_inputs)
	$(call link,$(CXX),$(null_wrap) $(MICRO_LIBS))

# ---- programs that hold no contestant ----
$(B)/limits: $(limits_objs) $(B)/libcommon.a $(B)/sources
	$(call link,$(CC),$(LIMITS_LIBS))

$(B)/velo: $(call objs,bench/velo.c) $(selfcheck_objs) $(tournament_objs) \
           $(history_objs) $(targets_objs) $(render_objs) $(judge_objs) $(B)/sources
	$(call link,$(CC),$(VELO_LIBS))

build/velo: build/release/velo
	@ln -sfn release/velo $@

# ---- unit tests: one program per test_*.c beside the code that it tests ----
units := $(wildcard common/unit/test_*.c bench/*/unit/test_*.c)
ifneq ($(V),tsan) # reports/ has no threads
units += $(wildcard reports/*/unit/test_*.c)
endif
unit_programs := $(patsubst %.c,$(B)/unit/%,$(units))
$(B)/unit/common/%: $(B)/obj/common/%.o $(B)/libcommon.a $(B)/sources
	$(call link,$(CC),$(CONFORMANCE_LIBS) -lm)
# What guests share is tested over a library that is none.
guest_units := $(filter %/test_guest_tasks %/test_guest_fds,$(unit_programs))
$(guest_units): $(B)/unit/common/%: $(B)/obj/common/%.o $(B)/obj/common/unit/guest_fake.o $(guest_objs) \
                                    $(B)/libcommon.a $(B)/sources
	$(call link,$(CC),$(CONFORMANCE_LIBS) -lm)
# A bench area is an archive to its tests: they get the objects that they need, without its main.
define bench_units
$(B)/obj/bench/$(1)/area.a: $(filter-out %/main.o $(limits_left_out),$(call objs,bench/$(1)/*.c) \
                              $(call cxxobjs,bench/$(1)/*.cc)) $(B)/sources
	$$(call say,AR)
	$(Q)rm -f $$@ && ar rcs $$@ $$(inputs)
$(B)/unit/bench/$(1)/%: $(B)/obj/bench/$(1)/%.o $(B)/obj/bench/$(1)/area.a $(B)/sources
	$$(call link,$(CXX),$$(CONFORMANCE_LIBS) $$(RACE_LIBS) $$(MICRO_LIBS) $$(LIMITS_LIBS))
endef
$(foreach area,race micro process limits shim,$(eval $(call bench_units,$(area))))
$(B)/unit/bench/tournament/%: $(B)/obj/bench/tournament/%.o $(tournament_objs) $(history_objs) \
                              $(targets_objs) $(render_objs) $(judge_objs) $(B)/sources
	$(call link,$(CC),$(CONFORMANCE_LIBS) $(VELO_LIBS))
$(B)/unit/bench/selfcheck/%: $(B)/obj/bench/selfcheck/%.o $(selfcheck_objs) $(tournament_objs) \
                             $(history_objs) $(targets_objs) $(render_objs) $(judge_objs) \
                             $(B)/sources
	$(call link,$(CC),$(CONFORMANCE_LIBS) $(VELO_LIBS))
# The statistics are held against those of another library, which only their tests link.
$(B)/unit/reports/%: $(B)/obj/reports/%.o $(history_objs) $(targets_objs) $(render_objs) $(judge_objs) $(B)/sources
	$(call link,$(CC),$(CONFORMANCE_LIBS) $(VELO_LIBS) $(ORACLE_LIBS))

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# Who lacks a library is not built, and its folder says why; velo list and the tournament
# repeat it. What an earlier build has left there is of no use.
not_run := $(foreach name,$(absent),$(B)/$(name)/not-run)
.PHONY: $(not_run)
$(not_run): $(B)/%/not-run:
	@rm -rf $(@D) && mkdir -p $(@D) && scripts/library.sh why $* >$@
	@printf '  %-5s %s\n' NONE "$*: $$(cat $@)"

# ---- what is built together ----
lanes := $(if $(race_objs),race) $(if $(micro_objs),micro) $(if $(process_objs),process)
per_impl := conformance stress $(lanes) $(addprefix example-,$(examples))
example_programs := $(foreach impl,$(impls),$(addprefix $(B)/$(impl)/example-,$(examples)))
conformance_programs := $(foreach impl,$(impls),$(B)/$(impl)/conformance)
stress_programs := $(foreach impl,$(impls),$(B)/$(impl)/stress)
programs := $(foreach impl,$(impls),$(addprefix $(B)/$(impl)/,$(per_impl))) $(null_programs) $(B)/limits $(B)/velo

.PHONY: build suite unit-programs examples stress-programs
build: $(programs) $(not_run) $(if $(filter release,$(V)),build/velo) ## every program of variant V (release)
suite: $(conformance_programs) $(filter %/conformance,$(linked_programs)) $(unit_programs) ## the conformance programs and unit tests of variant V
unit-programs: $(unit_programs)
stress-programs: $(stress_programs)
examples: $(example_programs) ## common/examples against every contestant

# ---- thin names; the work is done by build/velo and scripts/ ----
# Where packages may have to be installed, a second make builds: pkg-config is asked after that.
SETUP ?= yes
setup_first = $(if $(filter yes,$(SETUP)),@scripts/setup.sh $(1))
jobs = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
submake = +@$(MAKE) --no-print-directory $(jobs)
option = $(if $($(1)),--$(2) '$($(1))')
run_options = $(call option,PRESET,preset) $(call option,ONLY,only) \
              $(call option,SCENARIOS,scenarios) $(call option,SEED,seed) $(call option,ORDER,order) \
              $(call option,BUDGET,budget) $(call option,RESUME,resume) \
              $(call option,WEIGHTS,weights)

.PHONY: capacity prices targets setup ready doctor tournament test units conformance race report verify select selfcheck limits list
setup: ## install the missing Debian packages
	@scripts/setup.sh --check
ready:
	$(call setup_first)
	$(submake) V=release build
tournament: ready ## race all contestants, judge, report: PRESET= ONLY= SCENARIOS= SEED= BUDGET= RESUME= WEIGHTS=
	@build/velo tournament $(run_options)
test: ## everything that must hold; the last line is "N passed, N failed"
	$(call setup_first)
	@MAKEFLAGS= scripts/test.sh
units: ## build and run the unit tests of variant V
	$(call setup_first)
	$(submake) -k unit-programs
	@V=$(V) scripts/test.sh units
conformance: ready ## the matrix clause x contestant: [IMPL=]
	@build/velo conformance $(call option,IMPL,only)
race: ready ## a duel: IMPL= VS= SCENARIO=
	@build/velo race $(call option,IMPL,impl) $(call option,VS,vs) $(call option,SCENARIO,scenario)
capacity: ready ## the highest rate whose p99 stays below a limit: P99=1ms [IMPL=] [SCENARIO=] [BUDGET=] [RESUME=]
	@build/velo capacity $(call option,P99,p99) $(call option,IMPL,impl) \
	    $(call option,SCENARIO,scenario) $(call option,BUDGET,budget) $(call option,RESUME,resume)
prices: ready ## what single decisions cost: [IMPL=] [DECISIONS=] [SCENARIOS=] [SEED=] [BUDGET=]
	$(submake) V=release variants
	@build/velo prices $(call option,IMPL,contestant) $(call option,DECISIONS,decisions) \
	    $(call option,SCENARIOS,scenarios) $(call option,SEED,seed) $(call option,BUDGET,budget)
targets: ready ## the targets of the project, measured: met or not, and why; 20 minutes: [RUN=] [SEED=] [BUDGET=] [RESUME=]
	@build/velo targets $(call option,RUN,run) $(call option,SEED,seed) $(call option,BUDGET,budget) $(call option,RESUME,resume)
report: ready ## rebuild the report of reports/latest from its journal: [WEIGHTS=FILE]
	@build/velo report $(call option,WEIGHTS,weights)
verify: ready ## recompute a run from its raw lines, compare all that it says: [RUN=ID|FOLDER]
	@build/velo verify $(RUN)
selfcheck: ready ## the tournament tested on itself, on this machine: [LIVE=40] [QUICK=1] [PARTS=A,B]
	$(submake) V=release faulty
	@build/velo selfcheck $(call option,LIVE,live) $(call option,PARTS,only) $(if $(QUICK),--quick)
doctor: ready ## what is wrong with this machine for measuring
	@build/velo doctor
gate: ready ## is something slower than at AGAINST=BRANCH|COMMIT|RUN: [ONLY=] [SCENARIOS=] [BUDGET=] [SEED=]
	$(call needs,$(AGAINST),say against what: AGAINST=a branch, a commit or a run)
	@build/velo gate --against '$(AGAINST)' $(call option,ONLY,only) \
	    $(call option,SCENARIOS,scenario) $(call option,BUDGET,budget) $(call option,SEED,seed)
limits: ready ## calibrate the physical limits of this machine
	@build/velo limits
list: ready ## contestants, capabilities and scenarios
	@build/velo list

.PHONY: tidy check sanitize models sched stress repeat mutants coverage new clean help
tidy: ## style as a test, in seconds
	@scripts/tidy.sh
check: ## tidy, clang-tidy, every build variant, all tests, sanitizers
	$(call setup_first,--check)
	@MAKEFLAGS= scripts/ci.sh
sanitize: ## the suite and the units under ASan+UBSan and under TSan
	$(call setup_first)
	@MAKEFLAGS= scripts/test.sh asan tsan
models: ## wake protocols and ingress as models, and variants that must fail: [ONLY=NAME] [FULL=1]
	$(call setup_first)
	@MAKEFLAGS= scripts/models.sh $(call option,ONLY,only) $(if $(FULL),--full)
sched: ## interleavings of every contestant under the scheduler, and planted faults: [IMPL=]
	@MAKEFLAGS= scripts/sched.sh --seconds 15 --exhaustive 40 $(IMPL)
MINUTES ?= 1
stress: ## storms with a ledger, in three variants: MINUTES=1 [IMPL=]
	$(call setup_first)
	$(submake) V=release stress-programs
	$(submake) V=asan stress-programs
	$(submake) V=tsan stress-programs
	@scripts/stress.sh $(MINUTES) $(IMPL)
N ?= 50
repeat: ## the suite N=50 times per contestant: alone, on one processor, beside a load: [IMPL=]
	$(call setup_first)
	$(submake) V=$(V) suite
	@V=$(V) scripts/repeat.sh $(N) $(IMPL)
mutants: ## bring back each fault of common/conformance/mutants; the suite must find it: [ONLY=GLOB]
	$(call setup_first)
	@MAKEFLAGS= scripts/mutants.sh $(call option,ONLY,only)
coverage: ## lines and branches that the tests run, and what they do not: build/coverage
	$(call setup_first,--check)
	$(submake) V=cov suite
	@scripts/coverage.sh
new: ## a new contestant that compiles and passes: IMPL=
	@scripts/new-impl.sh $(IMPL)
clean: ## remove everything that was built; run folders stay
	rm -rf build
help: ## this list
	@echo "usage: make [TARGET] [V=$(subst $() ,|,$(VARIANTS))] [SETUP=no] [Q=]"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
	    while IFS='|' read -r target text; do printf '  %-11s  %s\n' "$$target" "$$text"; done

# ---- the hand-over: one contestant as libvelo.a, libvelo.so and velo.pc ----
# build/select/ is usable as it is: PKG_CONFIG_PATH=build/select pkg-config --cflags --libs velo
PREFIX ?= /usr/local
S := build/select
SO := libvelo.so.$(VERSION)
SONAME := libvelo.so.$(firstword $(subst ., ,$(VERSION)))
profiles := latency|throughput|efficiency|balanced
velo_pc = sed -e 's|@prefix@|$(1)|; s|@include@|$(2)|; s|@lib@|$(3)|; s|@version@|$(VERSION)|'
needs = @test -n "$(1)" || { echo "make $@: $(2)" >&2; exit 2; }

.PHONY: select library install
select: ready ## the winner for a profile as a library: FOR=latency|throughput|efficiency|balanced or WEIGHTS=FILE
	$(call needs,$(FOR)$(WEIGHTS),say for what: FOR=$(profiles) or WEIGHTS=FILE)
	+@name=$$(build/velo select $(call option,FOR,for) $(call option,WEIGHTS,weights)) || exit $$?; \
	    $(MAKE) --no-print-directory library "IMPL=$$name"

library: ## a named contestant as build/select/libvelo.a, .so and velo.pc: IMPL=
	$(call needs,$(filter $(IMPL),$(impls)),IMPL='$(IMPL)' is no contestant. Choose one of: $(impls))
	$(submake) $(B)/$(IMPL)/velo.o
	@rm -rf $(S) && mkdir -p $(S) && cp common/include/velo.h $(S)/
	@ar rcs $(S)/libvelo.a $(B)/$(IMPL)/velo.o
	@$(CC) $(LDFLAGS_ALL) -shared -Wl,-soname,$(SONAME),-z,defs -o $(S)/$(SO) $(B)/$(IMPL)/velo.o $(impl_libs_$(IMPL))
	@ln -s $(SO) $(S)/$(SONAME) && ln -s $(SONAME) $(S)/libvelo.so
	@sed "s|@impl@|$(IMPL)|; s|@private@|$$(scripts/library.sh static $(IMPL))|" scripts/velo.pc.in >$(S)/velo.pc.in
	@$(call velo_pc,$${pcfiledir},$${prefix},$${prefix}) $(S)/velo.pc.in >$(S)/velo.pc
	@echo "$(IMPL): $(S)/libvelo.a $(S)/libvelo.so $(S)/velo.pc"

install: ## header, selected library, pkg-config file, man page: PREFIX=/usr/local [DESTDIR=]
	$(call needs,$(wildcard $(S)/libvelo.a),nothing is selected; first make select FOR=$(profiles) or make library IMPL=name)
	install -d $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -d $(DESTDIR)$(PREFIX)/share/man/man7
	install -m 644 $(S)/velo.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 $(S)/libvelo.a $(S)/$(SO) $(DESTDIR)$(PREFIX)/lib/
	cp -P $(S)/libvelo.so $(S)/$(SONAME) $(DESTDIR)$(PREFIX)/lib/
	$(call velo_pc,$(PREFIX),$${prefix}/include,$${prefix}/lib) $(S)/velo.pc.in \
	    >$(DESTDIR)$(PREFIX)/lib/pkgconfig/velo.pc
	install -m 644 common/man/velo.7 $(DESTDIR)$(PREFIX)/share/man/man7/
