# The plan graft by itself records every accept.
start_record plan -o plan.tcpa --plan graft
workload all
stop_record plan
no_probe
same_csv plan.tcpa
