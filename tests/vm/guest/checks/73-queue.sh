# The figures of the accept queue, against servers that let connections wait for a known time.
compare='--figures --at-least 35'
recorded_csv queue queue queue-v6 queue-dual queue-fastopen queue-fastopen6
