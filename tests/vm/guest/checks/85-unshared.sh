# A recorder in namespaces of its own. With children in another pid namespace it could name no process of theirs.
refuses 1 timeout 10 unshare -p tcpaccept-record -o pid.tcpa
grep -q 'another pid namespace .*--fork' refuses.err || fail "it said $(cat refuses.err)"
no_probe

# In a time namespace its clocks are not those of the samples.
[ -e /proc/self/timens_offsets ] || skip 'this kernel has no time namespaces'
through='vm-workload shifted 100000'
start_record time -o time.tcpa
before=$(date -u +%Y-%m-%dT%H:%M:%S)
workload v4 v6
after=$(date -u -d "@$(($(date +%s) + 1))" +%Y-%m-%dT%H:%M:%S)
stop_record time
no_probe
same_csv time.tcpa
awk -F , -v before="$before" -v after="$after" 'NR > 1 && ($2 < before || $2 > after) { print; bad = 1 } END { exit bad }' time.tcpa.csv ||
  fail "wall times are not between $before and $after"
