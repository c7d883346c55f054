# Two recorders at once: both see everything, and the end of one does not disturb the other. The first one sees the second's
# self-test as well: accepts of another process like any other.
start_record one -o one.tcpa
start_record two -o two.tcpa
workload v4 v6 threads many
stop_record one
same_csv one.tcpa --ignore-comm tcpaccept-
workload v6-dual
stop_record two
no_probe
same_csv two.tcpa --ignore-comm tcpaccept-
