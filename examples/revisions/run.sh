#!/usr/bin/env bash
# Three revisions of an app are open at once. Which, and whose? One of them is shut down gracefully: people get time, and
# unsaved work is waited for. Another is shut down at once, whatever they do.
source "$(dirname "$0")/../common.sh"

touch "$work/busy" "$work/busy-for-hours"
say 'Three revisions are released, one after the other, and people keep their tabs open.'
for revision in 'search-team a71be0c 2.3.0 Faster_search' 'export-team 4cc02d9 2.4.0 Bulk_export' 'search-team ba318c8 2.5.0 Dark_mode'; do
  read -r by build version message <<<"$revision"
  freshwire release web --build "$build" --version "$version" --by "$by" --message "${message//_/ }" --severity silent >/dev/null
  deploy "$build" "$version"
  case $version in
    2.3.0) open_pages 6 --unsaved 50 --busy "$work/busy-for-hours" ;;
    2.4.0) open_pages 12 --unsaved 25 --busy "$work/busy" ;;
    2.5.0) open_pages 22 ;;
  esac
  # They load the document that is deployed now, not the next one.
  until_so any_page --build "$build"
done
until_so pages_are 40

say 'Who is on which?'
show freshwire census web

say 'Revision 4cc02d9 is shut down gracefully: a countdown of 2 s, which unsaved work may put off.'
show freshwire retire web 4cc02d9 --reason 'exports leave out rows' --over 1s --countdown 2s --hold-cap 20s --yes
until_so pages_are 3 --build 4cc02d9 --outcome held
say 'Three people are in the middle of something, and nobody takes it from them.'
show freshwire sessions web --build 4cc02d9

say 'They save their work, and the pages move.'
rm "$work/busy"
show freshwire wait web --build 4cc02d9 --for 1s --timeout 30s
expect 'revision 4cc02d9 is gone, and its pages are on 2.5.0' until_so pages_are 34 --build ba318c8

say 'Revision a71be0c has to go at once, unsaved work or not. (The snippet still saves what the app asked it to keep.)'
show freshwire retire web a71be0c --reason 'it corrupts orders' --action force --over 0s --yes
show freshwire wait web --build a71be0c --for 1s --timeout 15s
expect 'revision a71be0c is gone within seconds' pages_are 0 --build a71be0c

show freshwire census web
expect 'all 40 pages are on the current revision' until_so pages_are 40 --standing current
