#!/usr/bin/env bash
# A security fix, done and proved: from 'it is deployed' to 'nobody runs the hole any more', with the report for the file.
source "$(dirname "$0")/../common.sh"

say 'Two releases are out, and 40 pages are open. Four people have unsaved work.'
cd "$work"
touch busy
for release in 'a1f3c20 2.3.0' '7be90d4 2.4.0'; do
  read -r build version <<<"$release"
  freshwire release web --build "$build" --version "$version" --severity silent >/dev/null
  deploy "$build" "$version"
  open_pages 20 --unsaved 10 --busy busy
  until_so pages_are 20 --build "$build"
done
show freshwire census web

say 'The fix is deployed. That alone moves nobody: 40 tabs still run the hole.'
deploy c0ffee1 2.4.1
show freshwire release web --build c0ffee1 --version 2.4.1 --severity silent --message 'close the hole in export'
expect '40 pages run the hole' pages_are 40 --below 2.4.1

say 'Everybody has to be on 2.4.1: told over 3 s, with a countdown that unsaved work may put off.'
fix=(freshwire fix web 2.4.1 --reason 'CVE-2026-1234: export leaks session tokens' --over 3s --countdown 2s
  --timeout 50s --yes --report proof.md)
show "${fix[@]}" --dry-run
typed "${fix[@]}"
# Through a pipe it writes lines: on a terminal it would draw over what else is said.
"${fix[@]}" > >(cat) &
fixing=$!
started+=("$fixing")

until_so pages_are 4 --below 2.4.1
until_so pages_are 4 --below 2.4.1 --outcome held
say 'Meanwhile: who is left, and why? Four people, each with unsaved work.'
show freshwire sessions web --below 2.4.1
show freshwire explain web "$(freshwire sessions web --below 2.4.1 | awk 'NR == 2 { print $1 }')"
say 'They save it.'
rm busy
wait "$fixing"

say 'The proof, for the file.'
show cat proof.md
show freshwire census web
expect 'nobody runs the hole any more' pages_are 0 --below 2.4.1
expect 'all 40 pages are on the fix' until_so pages_are 40 --build c0ffee1
