# Kinds of servers: epoll, SO_REUSEPORT, sockets handed over, threads and processes that end at once.
compare='--at-least 58'
recorded_csv servers epoll reuseport handover thread-exit exit threads parked
