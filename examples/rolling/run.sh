#!/usr/bin/env bash
# A rolling deployment: four back ends are replaced one after the other, while people open and close pages. Old and new
# pages meet old and new back ends; nobody is told to move before every back end can serve it. Drawn as a timeline:
#   run.sh [FILE.svg]     default: rolling.svg in the folder you are in
svg=${1:-rolling.svg}
source "$(dirname "$0")/../common.sh"

mark() { printf '%s\t%s\n' "$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)" "$1" >>"$work/marks"; }

say 'Four back ends serve 1.0.0, and 40 pages are open. About every 5 s, each is closed and another opened.'
instances=(back-1 back-2 back-3 back-4)
for instance in "${instances[@]}"; do
  deploy 01dcafe 1.0.0 "$instance" route.orders
done
show freshwire release web --build 01dcafe --version 1.0.0 --needs route.orders
back_ends "${instances[@]}"
balancer=()
for instance in "${instances[@]}"; do
  balancer+=(--deployed "$work/$instance")
done
freshwire-pages --count 40 --turnover 5s "${balancer[@]}" &
started+=($!)
until_so pages_are 40
freshwire census web --watch --json >>"$work/samples" &
started+=($!)
until_so test -s "$work/samples"

say 'The pipeline registers 2.0.0 as rolling, with what it needs, and begins.'
show freshwire release web --build 2ebbeef --version 2.0.0 --needs route.orders,route.orders-v2 --rolling
mark 'registered: rolling'
for instance in back-1 back-2; do
  sleep 1
  deploy 2ebbeef 2.0.0 "$instance" route.orders,route.orders-v2
  mark "$instance is new"
done
some_are_ahead() { (($(pages --standing ahead) >= 5)); }
until_so some_are_ahead

say 'Half-way. Pages that were opened since may be new, and meet old back ends: the matrix says what breaks.'
show freshwire census web
show freshwire matrix web
expect 'the matrix names what is missing' bash -c 'freshwire matrix web | grep -q "missing route.orders-v2"'
expect 'old pages are told nothing: they are current' pages_are 0 --standing stale
refused=0
show freshwire settle web 2ebbeef 2>&1 || refused=$?
expect 'settling it now is refused' test "$refused" = 1

say 'The other half.'
for instance in back-3 back-4; do
  sleep 1
  deploy 2ebbeef 2.0.0 "$instance" route.orders,route.orders-v2
  mark "$instance is new"
done
until_so any_page --build 2ebbeef --standing current
mark 'every back end provides what it needs: settled by itself'
show freshwire wait web --build 01dcafe --for 1s --timeout 30s
mark 'the last old page is gone'
show freshwire log web
show freshwire census web
expect 'no page is on 1.0.0, and nobody was told by hand' pages_are 0 --build 01dcafe

freshwire census web --json >>"$work/samples"
freshwire-draw --title 'A rolling deployment of four back ends: open pages by build' --marks "$work/marks" \
  --build 01dcafe --build 2ebbeef <"$work/samples" >"$svg"
echo "drawn: $svg"
