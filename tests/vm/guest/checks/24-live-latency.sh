# A row is in the pipe within 200 ms of its accept.
vm-workload latency --limit-ms 200 -- tcpaccept
no_probe
vm-workload latency --limit-ms 200 -- tcpaccept -t
