# A plain capture says the same as a packed one.
start_record plain -o plain.tcpa --plain
workload v4 v6 v4-dual comm
stop_record plain
same_csv plain.tcpa
