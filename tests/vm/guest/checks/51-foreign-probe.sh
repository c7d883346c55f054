# Somebody else's probe survives a whole recording.
echo 'p:theirs/probe do_nanosleep' >"$probes"
before=$(cat "$probes")
start_record ours -o ours.tcpa
workload v4
stop_record ours
[ "$(cat "$probes")" = "$before" ] || fail "kprobe_events was [$before], now [$(cat $probes)]"
echo >"$probes"
same_csv ours.tcpa
