# The commands of the README.  Each works on a fresh Debian 12 machine, as root or with sudo.
BUILD ?= build
JOBS ?= $(shell nproc)

.PHONY: all packages demo test clean
all: $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS)
