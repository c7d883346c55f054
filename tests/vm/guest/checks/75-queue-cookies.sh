# The figures of the accept queue with SYN cookies: a server cannot know the round trip then.
compare='--figures --at-least 14'
recorded_csv queue queue-cookies queue-cookies6
