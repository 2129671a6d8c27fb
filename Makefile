# The door: each of these sets up what it needs (see tools/build/setup.sh) and then does its one thing.
#
#   make           build the library and the command in build/release
#   make demo      build, then show one job done four ways (ARGS="--workers 4 ..." is passed on)
#   make test      build in every variant and run all tests (ARGS="--only PART ...")
#   make test-long   the same with all cases where make test has a sample, fuzzing, soaking and trying random statements
#                  for about an hour, from new seeds, and all tests on nodes
#   make bench     measure Tilework beside its peers (ARGS="--quick ...")
#   make soak      real jobs while workers and commands are killed at random, 10 minutes (ARGS="--minutes 1 ...")
#   make reliability   measure what killed workers, full disks and the like do to Tilework and to other tools
#   make reliability-nodes   the same for jobs that several machines compute, on a Slurm cluster of its own
#   make wheels    build wheels for x86-64 and aarch64 and a source distribution, check them and run them (build/wheels/dist)
#   make install   build, then install under PREFIX (DESTDIR is put before it)
#   make format    lay out the C sources as .clang-format says
#   make clean     remove all that was built

PREFIX ?= /usr/local
DESTDIR ?=
ARGS ?=
export PREFIX DESTDIR

.PHONY: build demo test test-long bench soak reliability reliability-nodes wheels install format clean

build:
	@tools/build/setup.sh build
	@tools/build/build.sh

demo: build
	@build/release/cli/tilework demo $(ARGS)

test:
	@tools/build/setup.sh test
	@python3 tests/run_tests.py $(ARGS)

test-long:
	@tools/build/setup.sh test
	@python3 tests/run_tests.py --long $(ARGS)

bench:
	@tools/build/setup.sh bench
	@tools/build/build.sh
	@tools/build/package.sh build/venv-bench
	@build/venv-bench/bin/python bench/bench.py $(ARGS)

soak: build
	@python3 reliability/soak.py $(ARGS)

reliability:
	@tools/build/setup.sh reliability
	@tools/build/build.sh
	@build/venv-reliability/bin/python reliability/reliability.py $(ARGS)

reliability-nodes:
	@tools/build/setup.sh reliability
	@tools/build/build.sh
	@python3 tests/nodes/enter.py build/venv-reliability/bin/python reliability/reliability_nodes.py $(ARGS)

wheels:
	@tools/build/setup.sh wheels
	@build/venv-wheels/bin/python tools/wheels/wheels.py $(ARGS)

install:
	@tools/build/setup.sh build
	@tools/build/install.sh

format:
	@tools/build/setup.sh test
	@tools/build/format.sh

clean:
	rm -rf build
