# A kernel locked down at boot: both programs say so in one line.
grep -q '\[confidentiality\]' /sys/kernel/security/lockdown || skip "the kernel knows no lockdown"
refuses 1 tcpaccept-record -o x.tcpa -d 1
grep -qi lockdown refuses.err || fail "it does not name lockdown: $(cat refuses.err)"
refuses 1 tcpaccept
grep -qi lockdown refuses.err || fail "it does not name lockdown: $(cat refuses.err)"
