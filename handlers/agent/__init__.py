"""The agent: a POSIX shell program that runs in the container, and the channel that speaks to it."""
