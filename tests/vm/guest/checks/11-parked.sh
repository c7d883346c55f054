# Servers that waited in accept() before the recorder started are seen from their first connection on.
start_gated parked
start_record parked -o parked.tcpa
open_gate
stop_record parked
same_csv parked.tcpa
