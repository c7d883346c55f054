# Everything that happens is recorded, nothing else is, and the rows are right.
start_record all -o all.tcpa --raw all.raw
workload all
stop_record all
no_probe
[ -s all.raw ] || fail "no raw file"
same_csv all.tcpa
same_table all.tcpa
tcpaccept-report --info all.tcpa >info.txt || fail "--info ended with status $?"
grep -q "$(uname -r)" info.txt || fail "--info does not name the kernel"
