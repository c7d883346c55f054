# Accepts made inside the kernel, on a target that exists before the recorder and on one that comes after.
compare='--at-least 3'
parked_csv before kernel
recorded_csv after kernel-v6
[ "$(grep -c ',kworker/' after.tcpa.csv)" = 3 ] || fail "not the name of a kernel worker"
