#!/bin/sh
# Generates the Go code of the *.thrift files beside this script.
#   generate.sh          writes it into the tree
#   generate.sh -check   writes nothing; fails where the tree differs from what it would write
# Only one compiler version is accepted: another one's output differs in every file.
set -eu
want="Thrift version 0.17.0"
prefix="github.com/a8011091/pegasus-reference/protocol/idl/"
cd "$(dirname "$0")"

thrift=${THRIFT:-thrift}
if ! have=$("$thrift" --version 2>/dev/null); then
	echo "generate.sh: no thrift compiler: install version 0.17.0 (Debian: thrift-compiler) or name it in THRIFT" >&2
	exit 1
fi
if [ "$have" != "$want" ]; then
	echo "generate.sh: $thrift is \"$have\", but the committed code is of \"$want\": install that one or name it in THRIFT" >&2
	exit 1
fi

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for name in replication rrdb security admin command; do
	"$thrift" -strict -out "$out" --gen "go:package_prefix=$prefix,skip_remote" "$name.thrift"
	gofmt -w "$out/$name"
	if [ "${1:-}" = "-check" ]; then
		diff -r "$out/$name" "$name"
		continue
	fi
	rm -rf "./$name"
	cp -R "$out/$name" "$name"
done
