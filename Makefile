# Viridian: one entry point for people and for CI. `make help` lists the targets.
#
#   KEEP=1               make demo leaves everything running and says how to stop it
#   CONFIGURATION=…      debug (default) or release; bench always builds release
#   PACKAGES=skip        never call apt-get (you installed the packages yourself)
#   FILTER=…             make test runs only the tests that match
#   ROLLOUTS=… REVERTS=… how many make load does (50 and 20), and
#   RATE=…               at how many requests per second (200)
#   STREAM=… HOSTS=…     make load: with long answers of so many seconds; on so many hosts side by side
#   KILLS=… MINUTES=…    how many kills make campaign is to reach (2000), and its time (90); the same
#   SEED=… STOP=…        command goes on where it was, another seed begins anew; the longest SIGSTOP (6 s)
#   PATIENCE=…           make campaign: a factor of its limits of time, for a machine that others use, too
#   SEEDS=… FROM=…       how many seeds make simulate runs (20000), and the first; SEED=…: tell that one
#   PAIRS=…              make deaths: of the pairs of deaths every so many (0: none)
#   EVERY=…              make sieve: of the tricks of each story every so many (1: all)
#   WALKS=…              how many random walks of each kind make walks does (1000)
#   STATES=…             after how many states make search ends (1000000), of worlds of as many
#   HOSTED=… VERSIONS=…  targets (2) and versions (3), with as many deaths of a process (2);
#   CRASHES=… LATE=…     LATE=1: the call of a process that died may happen after its death
#   SECONDS=…            how long make fuzz lets each fuzzer run (60); TARGETS=… only these of them
#   RUNS=…               how many canaries of each kind make judge makes up (10000)
#   SANITIZERS=…         which make sanitize runs (address thread), and SUITES=… over which suites

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

CONFIGURATION ?= debug
FILTER ?=
ROLLOUTS ?= 50
REVERTS ?= 20
RATE ?= 200
WALKS ?= 1000
STATES ?= 1000000
HOSTED ?= 2
VERSIONS ?= 3
CRASHES ?= 2
LATE ?= 0
# Not the variable that bash counts.
FUZZ_SECONDS := $(if $(filter command line,$(origin SECONDS)),$(SECONDS),60)
TARGETS ?=
SANITIZERS ?= address thread
SEEDS ?= 20000
FROM ?= 1
PAIRS ?= 0
EVERY ?= 1
KIND ?=
STREAM ?=
HOSTS ?=
KILLS ?= 2000
MINUTES ?= 90
SEED ?=
STOP ?=
PATIENCE ?=
RUNS ?= 10000
# An import that Package.swift does not declare builds silently without this.
FLAGS := --explicit-target-dependency-import-check error
SWIFT := .ci/swift-with-pins

# It runs the program that `swift test` runs. `swift test` itself plans the build in another way, so that
# each alternation with `swift build` costs a quarter of a minute.
RUN_TESTS := .ci/test-group

export KEEP

BUILD_PACKAGES := git libarchive-dev libcurl4-openssl-dev libgit2-dev libsqlite3-dev pkg-config
RUN_PACKAGES := $(BUILD_PACKAGES) curl haproxy jq openssl openssh-client python3
TEST_PACKAGES := $(RUN_PACKAGES) fcgiwrap gnupg nginx-light openssh-server prometheus socat
BENCH_PACKAGES := $(RUN_PACKAGES) caddy nginx-light python3-matplotlib wrk
JUDGE_PACKAGES := $(BUILD_PACKAGES) python3 python3-matplotlib python3-numpy

# One after another: on two cores suites with real processes would only time each other out. Simulations
# compute without ever waiting: beside them nothing else would have its turn.
TEST_GROUPS := \
	^(Model|Analysis|Manifest|Planning|Display|Alerts|Agent|Repository)Tests \
	^SimulationTests \
	^(LedgerStore|Transport|GitSource|Keeper|LocalPlatform|Prometheus|Webhook)Tests \
	^HAProxyRouterTests \
	^EndToEndTests

.PHONY: help build test failpoints walks search simulator simulate deaths sieve mutants hostile fuzz sanitize lint format demo load campaign \
	campaign-selftest bench judge clean install-packages packages-build packages-run packages-bench \
	packages-judge

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

build: packages-build ## both programs: viridian and viridian-keeper
	@$(SWIFT) build -c $(CONFIGURATION) $(FLAGS) --product viridian
	@$(SWIFT) build -c $(CONFIGURATION) $(FLAGS) --product viridian-keeper
	@bin=$$($(SWIFT) build -c $(CONFIGURATION) $(FLAGS) --show-bin-path); \
	ls "$$bin/viridian" "$$bin/viridian-keeper"

test: install-packages lint ## lint, build everything, run every test
	@$(SWIFT) build $(FLAGS) --build-tests
ifneq ($(FILTER),)
	@$(RUN_TESTS) '$(FILTER)'
else
	@$(foreach suites,$(TEST_GROUPS),$(RUN_TESTS) '$(suites)';)
endif

failpoints: install-packages ## kills at every named point of every journey (test: a few of each)
	@$(SWIFT) build $(FLAGS) --build-tests
	@VIRIDIAN_CRASHES=all TEST_LIMIT=7200 $(RUN_TESTS) FailpointTests

walks: install-packages ## long random walks over the planner; WALKS=… how many of each kind
	@$(SWIFT) build $(FLAGS) --build-tests
	@VIRIDIAN_WALKS=$(WALKS) TEST_LIMIT=7200 $(RUN_TESTS) RandomWalkTests

search: install-packages ## every state that the planner can come to, each once; STATES=… at most
	@$(SWIFT) build $(FLAGS) --build-tests
	@VIRIDIAN_STATES=$(STATES) VIRIDIAN_TARGETS=$(HOSTED) VIRIDIAN_VERSIONS=$(VERSIONS) \
		VIRIDIAN_CRASHES=$(CRASHES) VIRIDIAN_LATE=$(LATE) TEST_LIMIT=36000 $(RUN_TESTS) SearchTests

hostile: install-packages ## the whole hostile corpus through the agent (test: of each case one value)
	@$(SWIFT) build $(FLAGS) --build-tests
	@VIRIDIAN_HOSTILE=all TEST_LIMIT=7200 $(RUN_TESTS) '^EndToEndTests.(HostileTests|CorpusTests)'

fuzz: packages-build ## libFuzzer with AddressSanitizer, one fuzzer after another: SECONDS=60 each
	@SECONDS_EACH=$(FUZZ_SECONDS) TARGETS='$(TARGETS)' Tests/Fuzz/fuzz

sanitize: install-packages ## suites under AddressSanitizer and ThreadSanitizer: SANITIZERS='address thread'
	@for sanitizer in $(SANITIZERS); do SUITES='$(SUITES)' .ci/sanitize $$sanitizer; done

# Half as fast again as the debug build, which pays from some ten thousand seeds on.
simulator: packages-build
	@$(SWIFT) build -c release $(FLAGS) --product viridian-simulate

simulate: simulator ## simulated histories: SEEDS=… FROM=…, or SEED=… to be told one
ifneq ($(SEED),)
	@.build/release/viridian-simulate replay --seed $(SEED)
else
	@.build/release/viridian-simulate run --seeds $(SEEDS) --from $(FROM) --map
endif

mutants: ## bugs planted on purpose: which of them the simulator and the tests notice; KIND=planted|rule|generic
	@python3 Tests/Mutants/mutants.py $(if $(KIND),--kind $(KIND))

deaths: simulator ## death at every point of every story, simulated; PAIRS=50: and of pairs every fiftieth
	@.build/release/viridian-simulate deaths --pairs $(PAIRS)

sieve: simulator ## every reading of every story stale, failing or incomplete, and what hides between two; EVERY=…
	@.build/release/viridian-simulate sieve --every $(EVERY)

lint: ## the formatter's opinion, as an error
	@swift format lint --strict --parallel --recursive Package.swift Sources Tests

format: ## rewrite the sources as the formatter likes them
	@swift format --in-place --parallel --recursive Package.swift Sources Tests

demo: packages-run build ## commit, bump, drift, bad version, revert, crash: under real load
	@bin=$$($(SWIFT) build -c $(CONFIGURATION) $(FLAGS) --show-bin-path); \
	exec python3 Tests/Demo/demo.py --viridian "$$bin/viridian"

load: packages-run build ## many rollouts and reverts under load: nothing may be lost
	@bin=$$($(SWIFT) build -c $(CONFIGURATION) $(FLAGS) --show-bin-path); \
	exec python3 Tests/Load/$(if $(HOSTS),load_hosts.py --hosts $(HOSTS),load_rollouts.py) \
		--viridian "$$bin/viridian" --rollouts $(ROLLOUTS) --reverts $(REVERTS) --rate $(RATE) \
		$(if $(STREAM),--stream $(STREAM))

campaign: packages-run build ## real kills on real journeys, judged from outside; KILLS=…
	@bin=$$($(SWIFT) build -c $(CONFIGURATION) $(FLAGS) --show-bin-path); \
	exec python3 Tests/Campaign/campaign.py --viridian "$$bin/viridian" --kills $(KILLS) \
		--minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(if $(STOP),--stop $(STOP)) \
		$(if $(PATIENCE),--patience $(PATIENCE))

campaign-selftest: packages-run build ## what a broken agent would do is seen by the campaign
	@bin=$$($(SWIFT) build -c $(CONFIGURATION) $(FLAGS) --show-bin-path); \
	exec python3 Tests/Campaign/selftest.py --viridian "$$bin/viridian"

# Debian's own Python has Debian's python3-matplotlib; the first one in PATH need not.
bench: packages-bench ## one table of measured times, written with plots to docs/benchmarks.md (release build)
	@$(MAKE) build CONFIGURATION=release
	@$(SWIFT) build -c release $(FLAGS) --product pass-benchmark
	@bin=$$($(SWIFT) build -c release $(FLAGS) --show-bin-path); \
	exec /usr/bin/python3 Benchmarks/bench.py --viridian "$$bin/viridian" \
		--json "$$bin/benchmarks.json" --write docs/benchmarks.md

judge: packages-judge ## the canary judge against an independent model, written to docs/analysis.md; RUNS=…
	@$(SWIFT) build $(FLAGS) --product judge-study
	@bin=$$($(SWIFT) build $(FLAGS) --show-bin-path); \
	exec /usr/bin/python3 Benchmarks/judge.py --program "$$bin/judge-study" --runs $(RUNS) \
		--write docs/analysis.md

clean: ## what was built; never the state of an agent
	@rm -rf .build

install-packages: ## the Debian packages that build, tests and demo need
	@.ci/install-packages $(TEST_PACKAGES)

packages-build:
	@.ci/install-packages $(BUILD_PACKAGES)

packages-run:
	@.ci/install-packages $(RUN_PACKAGES)

packages-bench:
	@.ci/install-packages $(BENCH_PACKAGES)

packages-judge:
	@.ci/install-packages $(JUDGE_PACKAGES)