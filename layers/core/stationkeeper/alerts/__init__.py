"""When on-call is told (lifecycle, memory) and in which words (wording)."""
