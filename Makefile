# `make demo` shows the main job on this machine; `make test` runs every group of tests it can.
# REPO, KEEP, REQUIRE_ALL and PULL reach the scripts through the environment.
.POSIX:
.PHONY: help demo test faults upgrade compose-test bench simulate

help:
	@echo 'make demo                    from a labelled issue to a pull request, on this machine'
	@echo 'make demo REPO=/path/clone   the same on a copy of a repository of yours'
	@echo 'make demo KEEP=1             leave it running at the end'
	@echo 'make test                    every group of tests that this machine can run'
	@echo 'make test REQUIRE_ALL=1      a group that could not run is a failure'
	@echo 'make faults                  every fault on real processes, three times each, counted'
	@echo 'make faults SEEDS=50 CUT=60  fifty times each, lines cut for a minute'
	@echo 'make faults ONLY=PostgreSQL  those whose names hold that; several with commas between'
	@echo 'make faults SOAK=30          a load for half an hour, with a fault in every minute'
	@echo 'make upgrade                 from the version before to this one and back, jobs going on'
	@echo 'make compose-test            docker-compose.yml for real, with Docker; as root on Debian'
	@echo 'make simulate                10,000 seeds of all parts in one process, with everything going wrong'
	@echo 'make simulate SEED=7         one of them again, with its history'
	@echo 'make bench                   the figures of the README, each beside its floor'

demo:
	@scripts/demo

test:
	@scripts/test

faults:
	@cargo test --locked --workspace --test faults

upgrade:
	@previous=$$(scripts/previous) && env PREVIOUS="$$previous" ONLY='version before' cargo test --locked --workspace --test faults

compose-test:
	@scripts/compose-test

simulate:
	@env PULLWRIGHT_SEEDS=10000 $${SEED:+PULLWRIGHT_SEED=$$SEED} cargo test --locked --release --workspace --test simulation -- --nocapture

bench:
	@cargo bench --locked --bench figures
