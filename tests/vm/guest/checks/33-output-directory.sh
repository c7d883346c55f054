# The output is a directory, or in one that does not exist.
mkdir d
refuses 1 tcpaccept-record -o d -d 1
refuses 1 tcpaccept-record -o none/x.tcpa -d 1
no_probe
