"""The examination of a target: what it has, what it lacks for commands to be supervised there, and what to do."""
