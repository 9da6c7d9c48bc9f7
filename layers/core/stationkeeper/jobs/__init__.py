"""Jobs and pipeline executions that ended: what is told of them, and which of them become versions."""
