#!/usr/bin/env bash
# Blue and green: two complete deployments, one of them live. The switch is one command, and so is the way back, which
# pulls nobody off a good page.
source "$(dirname "$0")/../common.sh"

say 'Blue is live, and 30 pages are open.'
deploy 1b1ue01 7.0.0
show freshwire release web --build 1b1ue01 --version 7.0.0 --message 'the blue deployment'
open_pages 30 --acts-within 4s
until_so pages_are 30

say 'Green is made ready beside it. It is registered as rolling: known, but current only when we say so.'
show freshwire release web --build 9eeee01 --version 7.1.0 --message 'the green deployment' --rolling
expect 'nobody is told of green yet' pages_are 30 --standing current --build 1b1ue01

say 'The switch: the router sends everybody to green, and pages are told, over 2 s.'
deploy 9eeee01 7.1.0
show freshwire settle web 9eeee01 --over 2s
ten_are_on_green() { (($(pages --build 9eeee01) >= 10)); }
until_so ten_are_on_green
show freshwire census web

say 'Half-way, green turns out to be slow. Back to blue; those who are on green already stay there, as nothing is broken.'
deploy 1b1ue01 7.0.0
show freshwire current web 1b1ue01 --reason 'green is slow under load'
# Who was between two documents arrives.
until_so pages_are 30
on_green=$(pages --build 9eeee01)
sleep 2
show freshwire census web
expect "the $on_green pages on green were left alone: they are ahead, not stale" pages_are "$on_green" --build 9eeee01 --standing ahead
expect 'the others are where they were' pages_are $((30 - on_green)) --build 1b1ue01 --standing current

say 'If green had been broken, they would be called back.'
show freshwire current web 1b1ue01 --recall --reason 'green loses orders' --over 1s --yes
show freshwire wait web --build 9eeee01 --for 1s --timeout 20s
expect 'all 30 pages are on blue' until_so pages_are 30 --build 1b1ue01 --standing current
