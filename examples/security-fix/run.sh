#!/usr/bin/env bash
# A security fix, done and proved: from 'it is deployed' to 'nobody runs the hole any more', with the report for the file.
source "$(dirname "$0")/../common.sh"

say 'Two releases are out, and 40 pages are open. Four people have unsaved work.'
for release in 'a1f3c20 2.3.0' '7be90d4 2.4.0'; do
  read -r build version <<<"$release"
  freshwire release web --build "$build" --version "$version" --severity silent >/dev/null
  deploy "$build" "$version"
  open_pages 20 --unsaved 10 --busy "$work/busy"
  until_so pages_are 20 --build "$build"
done
show freshwire census web

say 'The fix is deployed. That alone moves nobody: 40 tabs still run the hole.'
deploy c0ffee1 2.4.1
show freshwire release web --build c0ffee1 --version 2.4.1 --severity silent --message 'close the hole in export'
expect '40 pages run the hole' pages_are 40 --below 2.4.1

say 'Everybody has to be on 2.4.1.'
show freshwire fix web 2.4.1 --reason 'CVE-2026-1234: export leaks session tokens' --over 3s --countdown 2s --yes | tee "$work/report"

say 'Is it so?'
show freshwire census web
expect 'nobody runs the hole any more' pages_are 0 --below 2.4.1
expect 'all 40 pages are on the fix' until_so pages_are 40 --build c0ffee1
expect 'the report says who did it, and that all were moved' grep -q '100' "$work/report"
