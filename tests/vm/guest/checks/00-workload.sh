# The workload itself: servers and clients agree with each other, without any tracer.
workload all
vm-compare --self truth.csv
