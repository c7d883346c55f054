# Whatever others do to our probe from outside: it stays, and no row is missing or wrong.
start_record ours -o ours.tcpa
workload v4
tracing=/sys/kernel/tracing
names=$(sed -n 's/^p:\(tcpaccept\/[^ ]*\) .*/\1/p' $probes)
[ -n "$names" ] || fail "no probe in: $(cat $probes)"
for name in $names; do
  if (echo "-:$name" >>$probes) 2>/dev/null; then fail 'the probe could be removed'; fi
  echo 0 >"$tracing/events/$name/enable"
  # The same event at another place: its samples must not show as accepts.
  definition=$(grep ":$name " $probes | sed 's/ security_sock_graft / tcp_v4_connect /; s/ __inet_accept / tcp_v4_connect /')
  (echo "$definition" >>$probes) 2>/dev/null || true
done
if (echo >$probes) 2>/dev/null; then fail 'all probes could be removed'; fi
echo 0 >$tracing/tracing_on
workload v6 many
echo 1 >$tracing/tracing_on
# As "trace-cmd record -e all" does. An event that is switched on in ftrace cannot be removed.
echo 1 >$tracing/events/tcpaccept/enable
kill -s INT "$(cat ours.pid)"
end_record ours
[ "$status" = 0 ] || fail "the recorder ended with status $status: $(cat ours.err)"
if grep 'not removed' ours.err; then fail 'the probe was not removed at once'; fi
no_probe
same_csv ours.tcpa
