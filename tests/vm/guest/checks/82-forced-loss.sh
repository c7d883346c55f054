# Forced losses: a tiny ring and a recorder that is stopped for a while. What is missing is what the ledger says, to the accept.
# account CAPTURE: checks hits = written + filtered + lost, and rows + lost = made. MADE is how many accepts there were.
account() {
  status=0
  tcpaccept-report --info "$1" >"$1.info" 2>"$1.said" || status=$?
  [ "$status" = 3 ] || fail "the report of a capture with losses ended with status $status"
  # "account  1000 probe hits = 900 written + 0 filtered + 100 lost; 0 missed by the probe"
  # shellcheck disable=SC2046 # words
  set -- "$1" $(sed -n 's/^  account  *\([0-9]*\) probe hits = \([0-9]*\) written + \([0-9]*\) filtered + \([0-9]*\) lost; .*/\1 \2 \3 \4/p' "$1.info")
  echo "counts $1: made $MADE, hits $2, written $3, filtered $4, lost $5"
  [ "$2" = "$MADE" ] || fail "$MADE accepts were made, the probe counts $2"
  [ "$2" = $(($3 + $4 + $5)) ] || fail "$2 hits, but $3 written + $4 filtered + $5 lost"
  [ "$5" -gt 0 ] || fail 'nothing was lost: the check checks nothing'
  tcpaccept-report --format csv "$1" >"$1.csv" 2>/dev/null || true
  [ $(($(wc -l <"$1.csv") - 1)) = "$3" ] || fail "$3 written, $(($(wc -l <"$1.csv") - 1)) shown"
  by_cpu=$(sed -n 's/^  lost  *//p' "$1.info" | tr ',' '\n' | awk '{sum += $1} END {print sum + 0}')
  [ "$by_cpu" = "$5" ] || fail "$5 lost, but by CPU $by_cpu: $(grep '^  lost' "$1.info")"
  lines=$(grep -c ' lost between ' "$1.said" || true)
  [ "$lines" -ge 1 ] || fail "no line about the hole: $(cat "$1.said")"
}
MADE=500
start_record tiny -o tiny.tcpa --ring-size 4k
kill -s STOP "$(cat tiny.pid)"
workload --count $MADE burst
kill -s CONT "$(cat tiny.pid)"
kill -s INT "$(cat tiny.pid)"
end_record tiny
[ "$status" = 3 ] || fail "the recorder lost accepts and ended with status $status"
account tiny.tcpa

# Some time later it sees everything again, and only the hole is named; a process list filters as well as it loses.
rm -f truth.csv
start_gated v4
MADE=503
start_record some -o some.tcpa --ring-size 4k -p "$server_pid"
kill -s STOP "$(cat some.pid)"
vm-workload run --truth other.csv --count 500 burst || fail 'the workload failed'
kill -s CONT "$(cat some.pid)"
# Its rings are empty again when it has owned up to the loss.
until tcpaccept-report --info some.tcpa 2>/dev/null | grep -q '^  lost '; do sleep 0.1; done
open_gate
end_record some # with the last process it records
[ "$status" = 3 ] || fail "the recorder lost accepts and ended with status $status"
account some.tcpa

# An MPTCP accept makes two samples and is lost once. A ring of 4 KiB holds those of some fourteen accepts.
if kernel_before 5 11; then exit 0; fi
rm -f truth.csv
start_record mptcp -o mptcp.tcpa --ring-size 4k
kill -s STOP "$(cat mptcp.pid)"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do workload mptcp mptcp-dual; done
kill -s CONT "$(cat mptcp.pid)"
kill -s INT "$(cat mptcp.pid)"
end_record mptcp
[ "$status" = 3 ] || fail "the recorder lost accepts and ended with status $status"
MADE=$(grep -c '^accept,' truth.csv)
account mptcp.tcpa
