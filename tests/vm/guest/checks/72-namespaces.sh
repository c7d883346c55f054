# Servers in other pid namespaces, network namespaces and cgroups, blocked in accept() before the recorder starts and after.
compare='--require nspid,netns,cgroup,cgroup_path --at-least 15'
recorded_csv after ns-pid ns-nested ns-net ns-cgroup ns-all
compare='--require nspid,netns,cgroup,cgroup_path --at-least 3'
for scenario in ns-pid ns-nested ns-net ns-cgroup ns-all; do parked_csv before-$scenario $scenario; done
