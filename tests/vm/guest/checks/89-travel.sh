# What was recorded here leaves without saying where: anonymised, cut, as a capture and as a page; the figures stay the same.
start_record all -o all.tcpa
workload v4 v6 v4-dual epoll
stop_record all

tcpaccept-report --anonymize --format capture -o away.tcpa all.tcpa || fail "--anonymize ended with status $?"
tcpaccept-report --format html -o away.html away.tcpa || fail "--format html ended with status $?"
tcpaccept-report --verify away.tcpa || fail "what was written is not intact"
for file in away.tcpa away.html; do
  for secret in 192.168.60. fd00:60: srv- "$(uname -n)" "$(cat /proc/sys/kernel/random/boot_id)"; do
    ! grep -qaF "$secret" $file || fail "$file holds $secret"
  done
done
tcpaccept-report --info away.tcpa >info.txt
grep -q "$(uname -r)" info.txt || fail 'the kernel is not there any more'
grep -q 'self-test *IPv4: as expected' info.txt || fail "no self-test: $(grep self-test info.txt)"

# The same accepts, whatever they are called.
accepts() { tcpaccept-report --canonical=addresses --format csv --columns pid,raddr,rport,saddr,sport "$1"; }
accepts all.tcpa >all.csv
accepts away.tcpa >away.csv
cmp all.csv away.csv || fail 'the same accepts look different'

# Cut: the newest that fit.
room=$(($(wc -c <all.tcpa) - 100))
tcpaccept-report --format capture --max-bytes "$room" -o small.tcpa all.tcpa 2>small.err || fail "--max-bytes ended with status $?"
[ "$(wc -c <small.tcpa)" -le "$room" ] || fail "$(wc -c <small.tcpa) bytes"
grep -q 'left out' small.err || fail "nothing is said of what is left out: $(cat small.err)"
