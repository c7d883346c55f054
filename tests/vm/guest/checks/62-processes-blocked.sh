# 256 processes blocked in accept() on one listener, before the recorder starts and after.
options='--count 256' compare='--at-least 512'
parked_csv before crowd-procs
recorded_csv after crowd-procs
