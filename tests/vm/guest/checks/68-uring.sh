# Accepts through io_uring, by the submitting thread and by the kernel's workers.
compare='--at-least 9'
if kernel_before 5 19; then compare='--at-least 6'; fi
recorded_csv uring uring uring-async uring-multi
compare='--at-least 3'
parked_csv parked uring
