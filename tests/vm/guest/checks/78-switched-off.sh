# Probes switched off during a recording, by either switch: noticed, said at once, a hole in the capture, and whole again after.
# said NAME WORDS...: waits until the recorder has said so.
said() {
  name=$1
  shift
  tries=0
  until grep -q "$*" "$name.err"; do
    sleep 0.05
    tries=$((tries + 1))
    [ $tries -lt 200 ] || fail "$name never said: $*"
  done
}
# holed NAME OFF ON: OFF and ON are commands.
holed() {
  rm -f truth.csv
  start_record "$1" -o "$1.tcpa"
  workload v4
  $2
  said "$1" 'switch it on with'
  vm-workload run --truth unseen.csv v4 || fail 'the workload failed'
  $3
  said "$1" 'probes are switched on again'
  workload v6
  kill -s INT "$(cat "$1.pid")"
  end_record "$1"
  [ "$status" = 3 ] || fail "the recorder ended with status $status, not 3"
  no_probe
  status=0
  tcpaccept-report --format csv "$1.tcpa" >"$1.csv" 2>"$1.said" || status=$?
  [ "$status" = 3 ] || fail "the report ended with status $status, not 3"
  grep -q 'between .* accepts may have gone unseen: probes were switched off' "$1.said" || fail "the report says $(cat "$1.said")"
  vm-compare --time truth.csv "$1.csv" >compare.log || fail_compare CSV
  counts "$1"
}
ftrace() { sysctl -q -w kernel.ftrace_enabled="$1"; }
ftrace_off() { ftrace 0; }
ftrace_on() { ftrace 1; }
kprobes=/sys/kernel/debug/kprobes/enabled
kprobes_off() { echo 0 >$kprobes; }
kprobes_on() { echo 1 >$kprobes; }
instances=/proc/sys/fs/inotify/max_user_instances
instances_before=$(cat $instances)
restore() {
  [ -e $kprobes ] || mount -t debugfs debugfs /sys/kernel/debug
  echo "$instances_before" >$instances
  ftrace_on
  kprobes_on
}
trap restore EXIT
if ftrace_silences; then
  holed ftrace ftrace_off ftrace_on
else
  start_record ftrace -o ftrace.tcpa
  ftrace_off
  workload v4
  ftrace_on
  workload v6
  stop_record ftrace
  same_csv ftrace.tcpa
fi
holed kprobes kprobes_off kprobes_on
kprobes_off
refuses 1 tcpaccept-record -o x.tcpa -d 1
refuses 1 unshare -m sh -c 'umount -l /sys/kernel/debug; exec tcpaccept-record -o x.tcpa -d 1'
grep -q 'kprobes/enabled' refuses.err || fail "it does not say why: $(cat refuses.err)"
kprobes_on

# Also where debugfs is not mounted yet when the recorder starts, and when it is off for a moment only.
kprobes_off
umount /sys/kernel/debug
refuses 1 tcpaccept-record -o x.tcpa -d 1
mount -t debugfs debugfs /sys/kernel/debug
kprobes_on
umount /sys/kernel/debug
start_record unmounted -o unmounted.tcpa
mount -t debugfs debugfs /sys/kernel/debug
kprobes_off
kprobes_on
kill -s INT "$(cat unmounted.pid)"
end_record unmounted
[ "$status" = 3 ] || fail "the recorder ended with status $status, not 3, without debugfs"
tcpaccept-report --format csv unmounted.tcpa 2>&1 >unmounted.csv | grep -q 'probes were switched off' || fail 'no hole without debugfs'

# Without inotify the latter cannot be seen. That is said, and nothing is proved.
echo 0 >$instances
start_record unwatched -o unwatched.tcpa
echo "$instances_before" >$instances
[ "$(grep -c 'unnoticed, inotify does not work (.*); raise' unwatched.err)" = 1 ] || fail "it said $(cat unwatched.err)"
stop_record unwatched
tcpaccept-report --format csv unwatched.tcpa >unwatched.csv || fail "status $? where only the proof is missing"
status=0
tcpaccept-report --require-complete --format csv unwatched.tcpa >unwatched.csv 2>unwatched.said || status=$?
[ "$status" = 3 ] || fail "status $status, not 3, with --require-complete"
grep -q 'could not watch whether probes were switched off' unwatched.said || fail "the report says $(cat unwatched.said)"
no_probe
