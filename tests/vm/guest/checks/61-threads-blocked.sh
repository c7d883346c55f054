# 1 and 256 threads blocked in accept() on one listener, 256 on many: already when the recorder starts, and after it has started.
# limit: 180 s
for threads in 1 256; do
  options="--count $threads" compare="--at-least $((2 * threads))"
  parked_csv before-$threads crowd
  recorded_csv after-$threads crowd
done
parked_csv before-listeners crowd-listeners
recorded_csv after-listeners crowd-listeners
