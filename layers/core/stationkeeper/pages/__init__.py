"""The drift page: what a monitoring run found, drawn for people, as one HTML file that needs nothing else."""
