# SPDX-License-Identifier: MIT
# One non-recursive Makefile. Sources are found by wildcard: adding a contestant, a test, a case or a
# scenario needs no line here. `make help` lists the targets; V= picks the build variant.

V ?= release
VARIANTS := release debug asan tsan cov lto
ifeq ($(filter $(V),$(VARIANTS)),)
$(error V=$(V) is unknown; choose one of: $(VARIANTS))
endif
B := build/$(V)

.DELETE_ON_ERROR:
.SUFFIXES:
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
OPT_debug := -O1 -g
OPT_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_tsan := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
OPT_cov := -O0 -g --coverage
OPT_lto := -O2 -g -DNDEBUG -flto=auto
MODE := $(OPT_$(V)) -fPIC -fvisibility=hidden -pthread
CPPFLAGS += -D_GNU_SOURCE -Icommon/include
CFLAGS_ALL = -std=c11 $(CWARN) $(WERROR) $(MODE) $(CFLAGS)
CXXFLAGS_ALL = -std=c++17 $(WARN) $(WERROR) $(MODE) $(CXXFLAGS)
LDFLAGS_ALL = $(MODE) $(LDFLAGS)

impls := $(patsubst impls/%/loop.c,%,$(wildcard impls/*/loop.c))
objs = $(patsubst %.c,$(B)/obj/%.o,$(wildcard $(1)))
cxxobjs = $(patsubst %.cc,$(B)/obj/%.o,$(wildcard $(1)))

common_objs := $(call objs,common/*.c common/parts/*.c common/api/*.c)
sim_objs := $(call objs,common/sim/*.c)
conformance_objs := $(call objs,common/conformance/*.c)
race_objs := $(call objs,bench/race/*.c)
micro_objs := $(call objs,bench/micro/*.c) $(call cxxobjs,bench/shim/*.cc)
limits_objs := $(call objs,bench/limits/*.c)
judge_objs := $(call objs,reports/judge/*.c)
render_objs := $(call objs,reports/render/*.c)
tournament_objs := $(call objs,bench/tournament/*.c)

.PHONY: all
all: build

# ---- libraries from packages, asked for once, only where they are used ----
pkg = $(shell pkg-config $(1) $(2) 2>/dev/null)
$(B)/obj/bench/race/%.o: CPPFLAGS += $(call pkg,--cflags,lua5.4 jansson)
RACE_LIBS = $(call pkg,--libs,lua5.4 jansson) -lm
MICRO_LIBS = $(call pkg,--libs,benchmark jansson) -lm
CONFORMANCE_LIBS = $(call pkg,--libs,cmocka jansson)
VELO_LIBS = $(call pkg,--libs,jansson libmd) -lm

# ---- compile ----
$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(B)/obj/%.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS_ALL) -MMD -MP -c -o $@ $<

$(B)/libcommon.a: $(common_objs)
	@rm -f $@
	ar rcs $@ $^

# ---- one set of programs for each contestant: program, contestant, libcommon.a, in that order ----
# The contestant's objects precede the archive, so what it defines wins over the default body.
api_complete := $(B)/obj/common/conformance/api_complete.o
define contestant
impl_objs_$(1) := $(call objs,impls/$(1)/*.c)
$(B)/$(1)/conformance: $(conformance_objs) $(sim_objs) $$(impl_objs_$(1)) $(B)/libcommon.a
	@mkdir -p $$(@D)
	$(CC) $(LDFLAGS_ALL) -o $$@ $$^ $$(CONFORMANCE_LIBS)
$(B)/$(1)/race: $(race_objs) $(api_complete) $$(impl_objs_$(1)) $(B)/libcommon.a
	@mkdir -p $$(@D)
	$(CC) $(LDFLAGS_ALL) -o $$@ $$^ $$(RACE_LIBS)
$(B)/$(1)/micro: $(micro_objs) $(api_complete) $$(impl_objs_$(1)) $(B)/libcommon.a
	@mkdir -p $$(@D)
	$(CXX) $(LDFLAGS_ALL) -o $$@ $$^ $$(MICRO_LIBS)
endef
$(foreach impl,$(impls),$(eval $(call contestant,$(impl))))

$(B)/limits: $(limits_objs) $(B)/libcommon.a
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(call pkg,--libs,jansson) -lm

$(B)/velo: $(call objs,bench/velo.c) $(tournament_objs) $(render_objs) $(judge_objs)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(VELO_LIBS)

# ---- unit tests: one program per test_*.c beside the code that it tests ----
units := $(wildcard common/unit/test_*.c bench/*/unit/test_*.c reports/*/unit/test_*.c)
unit_programs := $(patsubst %.c,$(B)/unit/%,$(units))
$(B)/unit/common/%: $(B)/obj/common/%.o $(B)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(CONFORMANCE_LIBS) -lm
$(B)/unit/bench/race/%: $(B)/obj/bench/race/%.o $(filter-out %/main.o,$(race_objs))
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(CONFORMANCE_LIBS) $(RACE_LIBS)
$(B)/unit/bench/tournament/%: $(B)/obj/bench/tournament/%.o $(tournament_objs) $(render_objs) $(judge_objs)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(CONFORMANCE_LIBS) $(VELO_LIBS)
$(B)/unit/reports/%: $(B)/obj/reports/%.o $(render_objs) $(judge_objs)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(CONFORMANCE_LIBS) $(VELO_LIBS)

programs := $(foreach impl,$(impls),$(addprefix $(B)/$(impl)/,conformance race micro)) \
            $(B)/limits $(B)/velo
.PHONY: build units
build: $(programs)
units: $(unit_programs)

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
