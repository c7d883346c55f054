# On a hybrid machine the ids in samples are of the perf_event hierarchy of version 1, and may be those of other cgroups of version 2.
mkdir -p v1
mount -t cgroup -o perf_event cgroup v1 || skip 'this kernel has no perf_event controller of version 1'
trap 'set +e; echo $$ >v1/cgroup.procs; rmdir v1/one v1/two; umount v1' EXIT
mkdir v1/one v1/two
echo $$ >v1/two/cgroup.procs
start_record v1 -o v1.tcpa -v
workload v4 ns-cgroup
stop_record v1
no_probe
same_csv v1.tcpa
grep -q 'cgroups are not recorded: .*; boot with' v1.err || fail "it does not say so: $(cat v1.err)"
# Columns netns, cgroup and, the last one, cgroup_path.
awk -F , 'NR > 1 && ($12 == "" || $13 != "" || $NF != "\r") { print; bad = 1 } END { exit bad }' v1.tcpa.csv || fail 'a cgroup was recorded'
tcpaccept-record --check | grep -q '^ok  *note .*cgroups are not recorded' || fail '--check does not say so'
