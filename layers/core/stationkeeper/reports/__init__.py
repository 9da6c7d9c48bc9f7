"""Reports of every monitor, read into violations and judged by a policy."""
