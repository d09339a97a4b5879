"""The command `remotecmd`: the server when nothing else is asked for, else a client of it for people."""
