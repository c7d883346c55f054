# The output cannot be written: a read-only file system.
mkdir ro
mount -t tmpfs -o ro tmpfs ro
refuses 1 tcpaccept-record -o ro/x.tcpa -d 1
umount ro
no_probe
