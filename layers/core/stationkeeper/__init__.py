"""Stationkeeper's domain: what every function shares.

`events` are what comes in and goes out, `reports` what a monitor found and how bad it is, `alerts` when and
how on-call is told, `reactions` what a function does with an event, `aws` the only place that imports boto3.
"""
