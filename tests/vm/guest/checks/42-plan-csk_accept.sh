# The plan csk_accept by itself records every accept of threads that were not waiting before it started.
start_record plan -o plan.tcpa --plan csk_accept
workload all
stop_record plan
no_probe
same_csv plan.tcpa
