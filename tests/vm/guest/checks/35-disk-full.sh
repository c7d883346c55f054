# A full disk is said once, what comes is held in memory, and written when there is room: nothing is lost. With
# --on-full stop the recording ends, and what was written before is readable.
# limit: 200 s
mkdir -p small
mount -t tmpfs -o size=64k none small || fail "no tmpfs"
start_record waits -o small/x.tcpa
workload --count 12000 burst
said() { grep -q 'the disk is full; going on in memory' waits.err; }
becomes_true said
[ "$(tcpaccept-report small/x.tcpa 2>/dev/null | wc -l)" -lt 12000 ] || fail "it did not get full"
mount -o remount,size=4m small
stop_record waits
[ "$(grep -c 'disk is full' waits.err)" = 1 ] || fail "said $(grep -c 'disk is full' waits.err) times"
tcpaccept-report --require-complete --format csv small/x.tcpa >x.csv || fail "not complete"
vm-compare --time truth.csv x.csv || fail "rows are missing"
umount small || fail "cannot unmount"

mount -t tmpfs -o size=64k none small
start_record stops -o small/x.tcpa --on-full stop
rm -f truth.csv
workload --count 12000 burst
end_record stops
[ "$status" = 1 ] || fail "--on-full stop: status $status"
grep -q 'small/x.tcpa: the disk is full$' stops.err || fail "$(tail -n 1 stops.err)"
tcpaccept-report small/x.tcpa >rows 2>rows.err || true
[ "$(wc -l <rows)" -gt 1000 ] || fail "only $(wc -l <rows) rows are readable"
grep -q 'not ended cleanly' rows.err || fail "$(cat rows.err)"
! grep -q damaged rows.err || fail "$(cat rows.err)"
umount small || fail "cannot unmount"

# No room even for the beginning.
mount -t tmpfs -o size=4k none small
head -c 4096 /dev/zero >small/filler
status=0
tcpaccept-record -o small/x.tcpa 2>none.err || status=$?
[ "$status" = 1 ] || fail "no room at all: status $status"
grep -q 'cannot write small/x.tcpa: No space left on device' none.err || fail "$(cat none.err)"
umount small || fail "cannot unmount"
no_probe
