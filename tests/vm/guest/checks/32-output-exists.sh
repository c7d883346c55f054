# An existing file is not overwritten without --force.
echo precious >x.tcpa
refuses 1 tcpaccept-record -o x.tcpa -d 1
[ "$(cat x.tcpa)" = precious ] || fail "the file was changed"
no_probe
start_record force -o x.tcpa --force
workload v4
stop_record force
same_csv x.tcpa
[ "$(stat -c %a x.tcpa)" = 600 ] || echo "note: mode $(stat -c %a x.tcpa)"
