# The disk fills up while recording: one line, status 1, and what was written stays readable.
mkdir small
mount -t tmpfs -o size=16k tmpfs small
start_record full -o small/x.tcpa
status=''
tries=0
# Accepts until the recorder gives up.
while kill -0 "$(cat full.pid)" 2>/dev/null && [ $tries -lt 20 ]; do
  vm-workload run --truth truth.csv many --count 1000 || fail "the workload failed"
  tries=$((tries + 1))
done
end_record full
[ "$status" = 1 ] || fail "the recorder ended with status $status, not 1: $(tail -n 1 full.err)"
no_probe
grep -v 'recording to' full.err >full.said || true
[ "$(wc -l <full.said)" = 1 ] || fail "it said $(wc -l <full.said) lines, not one: $(head -n 1 full.said)"
echo "said: $(cat full.said)"
status=0
tcpaccept-report --format csv small/x.tcpa >x.csv 2>report.err || status=$?
{ [ "$status" = 0 ] || [ "$status" = 3 ]; } || fail "the report ended with status $status: $(head -n 1 report.err)"
[ "$(wc -l <x.csv)" -gt 1 ] || fail "no row is readable"
umount small || { cp small/x.tcpa . && umount -l small; }
vm-compare --subset truth.csv x.csv >compare.log || fail_compare CSV
