# The commands of the README.  Each works on a fresh Debian 12 machine, as root or with sudo.
#   make            builds the release: build/reprise and build/plugins/*.so
#   make demo       and plays the concert service on one SQLite file (ARGS=--once: ends after the script)
#   make cluster-demo   the same on Kafka, PostgreSQL and Redis, which it starts in a temporary folder and stops again
#   make test       builds and runs every test
#   make bench      measures, beside a hand-written floor;  make cluster-bench: on Kafka, PostgreSQL and Redis
#   make faults     plays every row of the fault matrix on both engines, and 10,000 simulated runs: an hour
#   make reliability    writes tests/RELIABILITY.md from what the last runs of these commands left
#   make simulate   runs the concert in simulated disorder for MINUTES=5, from a fresh seed that it prints
#   make sanitize   builds and runs the unit tests under ASan and UBSan
#   make sanitize-threads   builds and runs under TSan what many threads run: the executor, the HTTP server, the engines
#   make mutants    wakes each of twenty planted bugs, and wants a test to fail for it (tests/mutants)
#   make fuzz       runs the fuzz targets for MINUTES=5 each, under ASan and UBSan (tests/fuzz)
#   make tidy       .clang-format and .clang-tidy are clean;  make format: makes the first so
# With CI=1 a warning is an error.
SHELL := /bin/bash -o pipefail
BUILD ?= build
JOBS  ?= $(shell nproc)
CTEST ?= ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)

.PHONY: all packages test-packages release tests test demo cluster-demo bench cluster-bench faults reliability simulate sanitize sanitize-threads mutants fuzz tidy format clean
all: release

packages:
	@deploy/packages build

test-packages:
	@deploy/packages test

# Of what the long runs left, `make reliability` makes its page.
LOGS = $(BUILD)/reliability
$(LOGS):
	mkdir -p $@

CONFIGURE = cmake -S . -G Ninja -DREPRISE_WERROR=$(if $(CI),ON,OFF)

$(BUILD)/build.ninja: | packages
	$(CONFIGURE) -B $(BUILD) -DCMAKE_BUILD_TYPE=Release -DCMAKE_UNITY_BUILD=ON

release: packages $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS)

tests: release
	cmake --build $(BUILD) -j $(JOBS) --target reprise_tests

test: test-packages tests
	$(CTEST)

demo: release
	$(BUILD)/reprise demo $(ARGS)

cluster-demo: test-packages release
	tests/cluster/servers.py run -- $(BUILD)/reprise demo --engine cluster $(ARGS)

cluster-bench: test-packages release
	cmake --build $(BUILD) -j $(JOBS) --target reprise_bench
	tests/cluster/servers.py run -- $(BUILD)/reprise bench --engine cluster $(ARGS)

bench: release
	cmake --build $(BUILD) -j $(JOBS) --target reprise_bench
	$(BUILD)/reprise bench $(ARGS)

# The rows are named faults.rowNN.ENGINE (tests/faults/matrix.py); ARGS="-R row07" plays some.
faults: test-packages tests $(LOGS)
	$(BUILD)/reprise simulate pipelines/concert --runs 10000 -o json | tee $(LOGS)/simulation.json
	$(CTEST) -j 1 -C Faults -L faults $(ARGS)

reliability: release
	tests/faults/reliability.py $(BUILD)

MINUTES ?= 5
simulate: release
	$(BUILD)/reprise simulate pipelines/concert --minutes $(MINUTES) $(ARGS)

# Not optimised: compiling is most of the time, and -O1 takes half as long again.
sanitize: test-packages $(LOGS)
	$(CONFIGURE) -B build-sanitize -DCMAKE_BUILD_TYPE=Debug -DCMAKE_UNITY_BUILD=ON -DCMAKE_CXX_FLAGS_DEBUG="-O0 -g1" -DREPRISE_SANITIZE=address,undefined
	cmake --build build-sanitize -j $(JOBS) --target reprise_tests
	ctest --test-dir build-sanitize --output-on-failure -j $(JOBS) -LE "slow|cluster" --output-junit $(abspath $(LOGS))/sanitize.xml

# What many threads run: the executor, the HTTP server, the engines, and the binary as its users meet it.  A race in any of
# its processes is a file in build-tsan/races; those of libraries that are not built for it are in tests/tsan/suppressions.
TSAN = TSAN_OPTIONS="suppressions=$(CURDIR)/tests/tsan/suppressions log_path=$(CURDIR)/build-tsan/races/race" \
       ctest --test-dir build-tsan --output-on-failure -j $(JOBS) --timeout 900
sanitize-threads: test-packages $(LOGS)
	$(CONFIGURE) -B build-tsan -DCMAKE_BUILD_TYPE=Debug -DCMAKE_UNITY_BUILD=ON -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" -DREPRISE_SANITIZE=thread
	cmake --build build-tsan -j $(JOBS) --target all reprise_threads
	rm -rf build-tsan/races && mkdir build-tsan/races
	@good=true; \
	$(TSAN) -LE cluster -R "^((base|http|plugin|sqlite|executor|app)[.]|e2e[.](http|topics)$$)" --output-junit $(abspath $(LOGS))/threads.xml || good=false; \
	$(TSAN) -L cluster -R "^((kafka|postgres|redis|conformance)[.][A-Z]|e2e[.]cluster[.](http|topics)$$)" --output-junit $(abspath $(LOGS))/threads-cluster.xml || good=false; \
	cat build-tsan/races/* 2>/dev/null && good=false; $$good

mutants: test-packages $(LOGS)
	tests/mutants/mutants.py $(ARGS) | tee $(LOGS)/mutants.txt

fuzz: packages $(LOGS)
	@deploy/packages fuzz
	$(CONFIGURE) -B build-fuzz -DREPRISE_FUZZ=ON -DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14 \
	  -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" -DCMAKE_UNITY_BUILD=ON
	cmake --build build-fuzz -j $(JOBS) --target reprise_fuzz
	tests/fuzz/run.py build-fuzz --minutes $(MINUTES) $(ARGS) | tee $(LOGS)/fuzz.txt

tidy: packages
	@deploy/packages tidy
	$(CONFIGURE) -B build-tidy >/dev/null
	deploy/tidy build-tidy

format:
	@deploy/packages tidy
	git ls-files '*.cpp' '*.h' '*.hpp' | grep -v '/abi\.h$$' | xargs clang-format-14 -i

clean:
	rm -rf $(BUILD) build-sanitize build-tsan build-mutants build-fuzz build-tidy
