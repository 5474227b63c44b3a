"""The command line: one file per command or group, imported only when it is called."""
