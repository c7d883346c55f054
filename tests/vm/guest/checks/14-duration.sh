# -d ends the recorder by itself.
begun=$(cut -d . -f 1 /proc/uptime)
start_record time -o time.tcpa -d 2
workload v4
end_record time
[ "$status" = 0 ] || fail "status $status"
took=$(($(cut -d . -f 1 /proc/uptime) - begun))
{ [ $took -ge 2 ] && [ $took -le 8 ]; } || fail "-d 2 took $took s"
no_probe
same_csv time.tcpa
