"""Commands and the processes they become: everything of remotecmd that is not JSON-RPC."""
