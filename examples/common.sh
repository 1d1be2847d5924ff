# What every example begins with: the programs, a server of its own on a free port, and the end of both.
# Sourced by each run.sh; nothing of it is left behind.
set -euo pipefail

examples=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
started=()

# The programs as they were built here, unless they are on the PATH already.
for folder in "${CARGO_TARGET_DIR:-$examples/../target}"/{debug,release}; do
  PATH=$PATH:$folder
done
for program in freshwire freshwire-pages freshwire-draw curl; do
  command -v "$program" >/dev/null || {
    echo "there is no $program: run 'cargo build -p freshwire -p freshwire-pages', and have curl" >&2
    exit 1
  }
done

finish() {
  local status=$?
  trap - EXIT
  # All of it, also where nothing can be said any more, as on a full disk.
  set +e
  # In the reverse of their order: pages say goodbye to a server that is still there.
  for ((i = ${#started[@]} - 1; i >= 0; i--)); do
    kill "${started[i]}" 2>/dev/null || true
    wait "${started[i]}" 2>/dev/null || true
  done
  if ((status != 0)); then
    echo "the example has failed; the server's log ends with:" >&2
    tail -n 5 "$work/server.log" >&2 || true
  fi
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# A line of the story.
say() { printf '\n# %s\n' "$*"; }

# A command as the reader would type it.
typed() {
  local words=() word
  for word in "$@"; do
    if [[ $word =~ [^a-zA-Z0-9_./:=%,@+-] ]]; then words+=("'$word'"); else words+=("$word"); fi
  done
  printf '$ %s\n' "${words[*]}"
}

# Types it and runs it.
show() {
  typed "$@"
  "$@"
}

# What the example claims: stops it if that doesn't hold.
expect() {
  local claim=$1
  shift
  if "$@"; then echo "ok: $claim"; else
    echo "NOT SO: $claim" >&2
    exit 1
  fi
}

# Waits for a command to succeed, for a minute at most, and says what there was instead.
until_so() {
  local end=$((SECONDS + 60))
  while ((SECONDS < end)); do
    if "$@"; then return; fi
    sleep 0.1
  done
  echo "waited a minute in vain: $*; the census instead:" >&2
  freshwire census web >&2 || true
  return 1
}

# How many pages are listed by 'freshwire sessions web' with these filters.
pages() { freshwire sessions web "$@" 2>/dev/null | awk 'NR > 1' | wc -l; }

# pages_are N FILTERS…: so many are.
pages_are() {
  local wanted=$1
  shift
  [[ $(pages "$@") == "$wanted" ]]
}

# any_page FILTERS…: there is one.
any_page() { (($(pages "$@") > 0)); }

# deploy BUILD VERSION [INSTANCE [PROVIDES]]: what the origin, or one of its back ends, serves from now on; and the names,
# with commas between, of what that back end provides.
deploy() {
  echo "$1 $2 ${4-}" >"$work/deploying"
  mv "$work/deploying" "$work/${3:-origin}"
}

# report INSTANCE: a back end says what it runs and provides, as it would do every few seconds.
report() {
  local build version provides
  read -r build version provides <"$work/$1"
  [[ -z $provides ]] || provides="\"${provides//,/\",\"}\""
  curl --silent --fail --noproxy '*' --output /dev/null --request PUT "$FRESHWIRE_URL/v1/apps/web/backends/$1" \
    --header "Authorization: Bearer $(<"$FRESHWIRE_TOKEN_FILE")" --header 'Content-Type: application/json' \
    --data "{\"build\": \"$build\", \"provides\": [$provides], \"ttl\": \"10s\"}"
}

# back_ends INSTANCES…: they run, and report.
back_ends() {
  local instance
  for instance in "$@"; do
    report "$instance"
    while sleep 0.5; do report "$instance" || true; done &
    started+=($!)
  done
}

# open_pages N [FLAGS…]: people open the app, as it is deployed.
open_pages() {
  local count=$1
  shift
  freshwire-pages --count "$count" --deployed "$work/origin" "$@" &
  started+=($!)
}

unset FRESHWIRE_ADMIN_TOKEN
freshwire serve --listen 127.0.0.1:0 --addr-file "$work/address" --data "$work/data" --warmup 0s --drain 0s \
  --backend-ttl 2s 2>"$work/server.log" &
started+=($!)
until_so test -s "$work/address"
FRESHWIRE_URL=http://$(<"$work/address")
export FRESHWIRE_URL FRESHWIRE_TOKEN_FILE=$work/data/admin-token
unset FRESHWIRE_TOKEN
