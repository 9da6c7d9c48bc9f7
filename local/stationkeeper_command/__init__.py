"""The `stationkeeper` command: judge a report, run the system on this machine, send it events."""
