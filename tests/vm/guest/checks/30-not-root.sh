# Without privilege: one line, status 1.
chmod 777 .
refuses 1 vm-workload as 65534 tcpaccept-record -o x.tcpa
no_probe
refuses 1 vm-workload as 65534 tcpaccept
no_probe
