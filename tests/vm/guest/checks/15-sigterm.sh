# SIGTERM ends the recorder cleanly.
start_record term -o term.tcpa
workload v4 v6-dual
stop_record term TERM
no_probe
same_csv term.tcpa
