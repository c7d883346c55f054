# Hostile process names and a crowd of connections in the live table.
start_live
workload comm many
stop_live
vm-compare --exact truth.csv live.txt >compare.log || fail_compare table
