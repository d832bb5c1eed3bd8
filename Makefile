# The commands of the README.  Each works on a fresh Debian 12 machine, as root or with sudo.
#   make            builds the release: build/reprise and build/plugins/*.so
#   make demo       and plays the concert service on one SQLite file (ARGS=--once: ends after the script)
#   make cluster-demo   the same on Kafka, PostgreSQL and Redis, which it starts in a temporary folder and stops again
#   make test       builds and runs every test
#   make bench      measures, beside a hand-written floor
#   make sanitize   unit tests under ASan and UBSan;  make tidy: format and clang-tidy
BUILD ?= build
JOBS  ?= $(shell nproc)
CTEST ?= ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)

.PHONY: all packages test-packages release tests test demo cluster-demo bench sanitize tidy format clean
all: release

packages:
	@deploy/packages build

test-packages:
	@deploy/packages test

$(BUILD)/build.ninja: | packages
	cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DREPRISE_WERROR=$(if $(CI),ON,OFF)

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

bench: release
	cmake --build $(BUILD) -j $(JOBS) --target reprise_bench
	$(BUILD)/reprise bench $(ARGS)

sanitize: test-packages
	cmake -S . -B build-sanitize -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" -DREPRISE_SANITIZE=address,undefined
	cmake --build build-sanitize -j $(JOBS) --target reprise_tests
	ctest --test-dir build-sanitize --output-on-failure -j $(JOBS) -LE slow

tidy: release
	deploy/tidy $(BUILD)

format:
	git ls-files '*.cpp' '*.h' '*.hpp' | grep -v '/abi\.h$$' | xargs clang-format -i

clean:
	rm -rf $(BUILD) build-sanitize
