# A recorder in namespaces of its own. With children in another pid namespace it could name no process of theirs.
refuses 1 timeout 10 unshare -p tcpaccept-record -o pid.tcpa
grep -q 'another pid namespace .*--fork' refuses.err || fail "it said $(cat refuses.err)"
no_probe

# In a network namespace of another user namespace no uevents arrive, and /sys may be hidden. A CPU that goes and comes between
# two looks is noticed by its dead events.
cpu=/sys/devices/system/cpu/cpu1/online
if [ -w $cpu ]; then
  mkfifo held
  unshare -U -r -n sh -c 'ip link set lo up; echo $$; exec sleep 600' >held &
  read -r holder <held
  trap 'echo 1 >$cpu; kill $holder' EXIT
  printf 'mount -t tmpfs nothing /sys/devices/system/cpu\nexec "$@"\n' >without_cpus
  through="nsenter --net=/proc/$holder/ns/net unshare -m sh $PWD/without_cpus"
  start_record deaf -o deaf.tcpa
  pid=$(cat deaf.pid)
  workload v4
  events() { ls -l "/proc/$pid/fd" | awk '/perf_event/ { print $9 }'; }
  before=$(events)
  kill -s STOP "$pid"
  echo 0 >$cpu
  echo 1 >$cpu
  taskset 2 vm-workload run --truth unseen.csv v4 || fail 'the workload failed'
  kill -s CONT "$pid"
  tries=0
  until [ "$(events)" != "$before" ]; do
    sleep 0.05
    tries=$((tries + 1))
    [ $tries -lt 200 ] || fail 'the events of CPU 1 were not opened again'
  done
  taskset 2 vm-workload run --truth truth.csv v6 || fail 'the workload failed'
  kill -s INT "$pid"
  end_record deaf
  [ "$status" = 3 ] || fail "the recorder ended with status $status, not 3: $(cat deaf.err)"
  no_probe
  status=0
  tcpaccept-report --format csv deaf.tcpa >deaf.csv 2>deaf.said || status=$?
  [ "$status" = 3 ] || fail "the report ended with status $status, not 3"
  vm-compare truth.csv deaf.csv >compare.log || fail_compare CSV  # the clock of an emulated CPU that comes back may be off
  counts deaf
  bound=$(sed -n 's/.*on CPU 1 may have gone unseen, at most \([0-9]*\): the CPU came online.*/\1/p' deaf.said)
  missed=$(grep -c ^accept, unseen.csv)
  [ "${bound:-0}" -ge "$missed" ] || fail "$missed accepts are missing: $(cat deaf.said)"
  rm truth.csv
fi

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
