# -c ends the recorder by itself after that many accepts.
start_record count -o count.tcpa -c 7
workload many --count 40
end_record count
[ "$status" = 0 ] || fail "status $status"
no_probe
same_csv count.tcpa --subset
[ "$(tail -n +2 count.tcpa.csv | wc -l)" = 7 ] || fail "$(tail -n +2 count.tcpa.csv | wc -l) rows, not 7"
