"""The subcommands; each module declares a few of them and does their work."""
