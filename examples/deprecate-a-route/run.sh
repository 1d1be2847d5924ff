#!/usr/bin/env bash
# A route is deprecated in two deployments: first no front end calls it any more, then the back ends drop it. Between the
# two stands a gate: it opens when no open page relies on the route.
source "$(dirname "$0")/../common.sh"

say 'Two back ends provide the old import and the new one. The front end still calls the old one.'
deploy 4e0d5a1 8.0.0 back-1 route.import,route.legacy-import
deploy 4e0d5a1 8.0.0 back-2 route.import,route.legacy-import
deploy 0ld1e9a 5.0.0
show freshwire release web --build 0ld1e9a --version 5.0.0 --needs route.legacy-import
back_ends back-1 back-2
touch "$work/busy"
open_pages 15 --unsaved 20 --busy "$work/busy"
until_so pages_are 15
show freshwire needs web

say 'The first deployment: a front end that calls the new import only. Pages move on, but three people are busy.'
deploy 9a1cafe 5.1.0
show freshwire release web --build 9a1cafe --version 5.1.0 --needs route.import --over 1s
until_so pages_are 12 --build 9a1cafe
show freshwire needs web
closed=0
freshwire wait web --needs route.legacy-import --for 1s --timeout 6s >/dev/null 2>&1 || closed=$?
expect 'the gate is closed: whoever deletes the route now breaks three open pages' test "$closed" = 3

say 'So the pipeline of the second deployment waits, until they save their work.'
rm "$work/busy"
show freshwire wait web --needs route.legacy-import --for 1s --timeout 30s
deploy 77c0de8 8.1.0 back-1 route.import
deploy 77c0de8 8.1.0 back-2 route.import
both_are_new() { (($(freshwire backends web | grep -c 77c0de8) == 2)); }
until_so both_are_new

say 'The route is gone, and nothing misses it.'
show freshwire matrix web
nothing_is_missing() { ! freshwire matrix web | grep -q missing; }
expect 'every open page finds what it needs on every back end' nothing_is_missing
expect 'all 15 pages are still there' until_so pages_are 15 --build 9a1cafe
