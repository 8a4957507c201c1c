# shellcheck shell=bash
# What run and nightly share: stages with their seconds and a table of them at the end,
# and the tools that the stages need. Sourced by both, in the repository's root.

golangci_version=2.15.0

scratch=$(mktemp -d)
export SCRATCH=$scratch
table=()
wanted=("$@") # names of stages, none: all
background=()

# stage NAME COMMAND... runs the command in a shell of its own, if it is wanted, with the
# seconds it took; the first one that fails ends the run.
stage() {
	local name=$1 began=$SECONDS status
	shift
	if ((${#wanted[@]})) && [[ " ${wanted[*]} " != *" $name "* ]]; then
		return
	fi
	printf '\n=== %s\n' "$name"
	set +e
	(
		set -euo pipefail
		"$@"
	)
	status=$?
	set -e
	local took=$((SECONDS - began))
	if ((status == 0)); then
		printf -- '--- %s: ok, %d s\n' "$name" "$took"
		table+=("ok $took $name")
		return
	fi
	printf -- '--- %s: FAILED with status %d, %d s\n' "$name" "$status" "$took"
	table+=("FAILED $took $name")
	exit "$status"
}

# finish prints the table, whatever ended the run, and cleans up.
finish() {
	local status=$? row
	for pid in "${background[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	printf '\n%-8s %8s  %s\n' RESULT SECONDS STAGE
	for row in "${table[@]}"; do
		read -r result took name <<<"$row"
		printf '%-8s %8d  %s\n' "$result" "$took" "$name"
	done
	printf '%-8s %8d  %s\n' "$([[ $status == 0 ]] && echo ok || echo FAILED)" "$SECONDS" total
	chmod -R u+w "$scratch" && rm -rf "$scratch"
	exit "$status"
}
trap finish EXIT

# retry COMMAND... tries three times: package servers have bad moments.
retry() {
	local try
	for try in 1 2 3; do
		"$@" && return
		echo "try $try of 3 failed: $*" >&2
		sleep $((try * 5))
	done
	return 1
}

# expect STATUS COMMAND... wants the command to end with that very status.
expect() {
	local want=$1 got=0
	shift
	"$@" || got=$?
	if [[ $got != "$want" ]]; then
		echo "expected exit status $want, got $got: $*" >&2
		return 1
	fi
	echo "exit status $want, as expected: ${*##*/}"
}

as_root() {
	if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

# install_packages installs what is missing of a Debian system's packages.
install_packages() {
	local missing=()
	command -v thrift >/dev/null || missing+=(thrift-compiler)
	command -v java >/dev/null || missing+=(openjdk-17-jre-headless)
	command -v gcc >/dev/null || missing+=(gcc libc6-dev) # the race detector links with it
	command -v git >/dev/null || missing+=(git)
	command -v qemu-aarch64 >/dev/null || missing+=(qemu-user) # for .ci/determinism
	command -v python3 >/dev/null && python3 -m pip --version >/dev/null 2>&1 || missing+=(python3 python3-pip)
	if ((${#missing[@]} == 0)); then
		echo "nothing to install"
		return
	fi
	if ! command -v apt-get >/dev/null; then
		echo "missing, and no apt-get to install them with: ${missing[*]}" >&2
		return 1
	fi
	retry as_root apt-get update -qq
	retry as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y -qq --no-install-recommends "${missing[@]}"
}

# install_lint installs golangci-lint at its version. It takes minutes where nothing is
# cached, so it runs beside the other stages, at low priority.
install_lint() {
	local bin have=""
	bin=$(go env GOPATH)/bin/golangci-lint
	[[ -x $bin ]] && have=$("$bin" version --short 2>/dev/null || true)
	[[ $have == "$golangci_version" ]] && return
	retry nice go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$golangci_version"
}

# fuzz_targets prints "package target" for every fuzz target of the repository.
fuzz_targets() {
	go test -list '^Fuzz' ./... | awk '
		/^Fuzz/ { targets[++n] = $1 }
		/^ok/   { for (i = 1; i <= n; i++) print $2, targets[i]; n = 0 }'
}

# fuzz_each COUNT runs each target on that many inputs, two at a time. A count and not a
# time: where time runs out, go test now and then calls that a failure. An input that is a
# whole run of the simulator counts as twenty.
fuzz_each() {
	fuzz_targets >"$scratch/targets"
	[[ -s $scratch/targets ]]
	# shellcheck disable=SC2016 # for the inner shell
	xargs -P 2 -L 1 sh -c 'n=$0
		case $2 in FuzzAnyScenario) n=$((n / 20)) ;; esac
		go test "$1" -run "^$" -fuzz "^$2\$" -fuzztime "${n}x" -parallel 1 >"$SCRATCH/fuzz.$2.$$" 2>&1 ||
		{ cat "$SCRATCH/fuzz.$2.$$"; exit 255; }' "$1" <"$scratch/targets"
	echo "$(wc -l <"$scratch/targets") targets, $1 inputs each"
}
