#!/usr/bin/env bash
# The life of a feature flag, and its end: it is switched for one tenant, then for all, without a reload; and it is deleted
# from the flag service only when no open page asks for it any more.
source "$(dirname "$0")/../common.sh"

say 'A build with the new checkout behind a flag. It says that it needs the flag.'
deploy 5d1e77a 3.0.0
show freshwire release web --build 5d1e77a --version 3.0.0 --needs flag.new-checkout
touch "$work/busy"
open_pages 6 --label tenant=acme
open_pages 14 --label tenant=globex --unsaved 15 --busy "$work/busy"
until_so pages_are 20

say 'The flag is tried on one tenant: pushed to its open pages, and to those that it opens.'
show freshwire push web --topic flags --data '{"new-checkout": true}' --label tenant=acme
say 'It works, so all get it, over 2 s.'
show freshwire push web --topic flags --data '{"new-checkout": true}' --over 2s
handled() { freshwire pushes web | awk '$2 == "flags"' | grep -c "$1" >/dev/null; }
until_so handled ' 20 .* 20 '
show freshwire pushes web
expect 'six pages had it first' handled 'tenant=acme .* 6 .* 6 '

say 'Weeks later: a build without the flag, for which the new checkout is the only one.'
deploy 88c0de5 3.1.0
show freshwire release web --build 88c0de5 --version 3.1.0 --over 1s

say 'May the flag be deleted? Not as long as an open page asks for it. The gate says when.'
show freshwire needs web
gate_open=0
freshwire wait web --needs flag.new-checkout --for 1s --timeout 6s >/dev/null 2>&1 || gate_open=$?
expect 'the gate is closed while pages with unsaved work are still on 3.0.0' test "$gate_open" = 3

say 'They save their work, and the pages move.'
rm "$work/busy"
show freshwire wait web --needs flag.new-checkout --for 1s --timeout 30s
expect 'nobody asks for the flag any more: it is deleted' pages_are 0 --build 5d1e77a
show freshwire needs web
expect 'all 20 pages are on 3.1.0' until_so pages_are 20 --build 88c0de5
