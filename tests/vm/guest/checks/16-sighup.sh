# SIGHUP ends the recorder cleanly.
start_record hup -o hup.tcpa
workload v4 v6-dual
stop_record hup HUP
no_probe
same_csv hup.tcpa
