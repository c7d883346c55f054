# However it ends: the probe goes with it, and whoever reads its output decides nothing.
# limit: 180 s
ended() { # PID NAME: it must be gone within some seconds
  tries=0
  while [ -e "/proc/$1" ] && ! grep -q '^State:.*zombie' "/proc/$1/status" 2>/dev/null; do
    sleep 0.1
    tries=$((tries + 1))
    [ $tries -lt 300 ] || fail "$2: still there"
  done
}
gone() {
  tries=0
  while [ -n "$(cat $probes)" ]; do
    sleep 0.1
    tries=$((tries + 1))
    [ $tries -lt 100 ] || fail "$1: a probe is left"
  done
}

# A reader that does not read.
mkfifo stuck
sleep 1000 <stuck &
sleeper=$!
vm-workload as 0 tcpaccept >stuck 2>live.err &
live=$!
tries=0
while ! grep -q tcpaccept- /proc/[0-9]*/comm; do sleep 0.1; done
vm-workload run --truth truth.csv --count 3000 burst || fail 'the workload failed'
kill -s TERM $live
ended $live 'live tool with a stuck reader'
gone 'live tool with a stuck reader'
kill $sleeper
wait $sleeper || true # or its end would interrupt what comes next
rm stuck
mkfifo stuck
sleep 1000 <stuck &
sleeper=$!
start_record stuck -o stuck --plain -d 10
vm-workload run --truth truth.csv --count 3000 burst || fail 'the workload failed'
ended "$(cat stuck.pid)" 'recorder with a stuck reader and a deadline'
end_record stuck
[ "$status" = 1 ] || fail "status $status with a stuck reader"
grep -q 'its reader does not read' stuck.err || fail "it said $(cat stuck.err)"
gone 'recorder with a stuck reader'
kill $sleeper
wait $sleeper || true # or its end would interrupt what comes next

# Signals that kill.
for signal in QUIT USR1 ALRM XCPU KILL; do
  start_record s$signal -o s$signal.tcpa
  kill -s $signal "$(cat s$signal.pid)"
  end_record s$signal
  gone "SIG$signal"
done

# Its keeper is stopped, and woken; is killed, and the next recorder does its work.
keeper_of() { tr -d ' ' <"/proc/$1/task/$1/children"; }
start_record stopped -o stopped.tcpa
kill -s STOP "$(keeper_of "$(cat stopped.pid)")"
stop_record stopped
no_probe
start_record orphan -o orphan.tcpa
kill -s KILL "$(keeper_of "$(cat orphan.pid)")"
kill -s INT "$(cat orphan.pid)"
end_record orphan
grep -q 'cannot remove probe .* is gone; the next recorder run as root removes it' orphan.err || fail "it said $(cat orphan.err)"
[ -n "$(cat $probes)" ] || fail 'the probe is gone without the keeper'
start_record next -o next.tcpa
stop_record next
no_probe

# nohup.
rm truth.csv
trap '' HUP
start_record nohup -o nohup.tcpa
kill -s HUP "$(cat nohup.pid)"
workload v4
stop_record nohup
grep -q 'ended by signal SIGINT' nohup.err || fail "$(tail -n 1 nohup.err)"
trap - HUP
same_csv nohup.tcpa

# A limit on the size of files is a full disk.
rm -f truth.csv
(
  ulimit -f 8 # KiB in this shell's units of 1,024 or 512 bytes
  exec vm-workload as 0 tcpaccept-record -o limit.tcpa 2>limit.err
) &
limited=$!
while ! grep -q 'recording to' limit.err 2>/dev/null; do sleep 0.1; done
vm-workload run --truth truth.csv --count 3000 burst || fail 'the workload failed'
status=0
wait $limited || status=$?
[ "$status" = 1 ] || fail "status $status with a file size limit: $(cat limit.err)"
grep -q 'File too large' limit.err || fail "it said $(cat limit.err)"
gone 'file size limit'
status=0
tcpaccept-report limit.tcpa >/dev/null 2>limit.said || status=$?
[ "$status" = 3 ] || fail "status $status"
if grep -q damaged limit.said; then fail "$(cat limit.said)"; fi

# Without a standard error the messages go nowhere, not into the capture; without a standard output nothing else takes its place.
vm-workload as 0 tcpaccept-record -o closed.tcpa -d 1 2>&- || fail "status $? without standard error"
tcpaccept-report closed.tcpa >/dev/null || fail "status $? for what was recorded without standard error"
status=0
vm-workload as 0 tcpaccept >&- 2>closed.err || status=$?
[ "$status" = 1 ] || fail "status $status without standard output"
grep -q 'Bad file descriptor' closed.err || fail "it said $(cat closed.err)"
gone 'closed descriptors'
