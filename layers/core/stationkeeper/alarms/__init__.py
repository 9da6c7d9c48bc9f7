"""CloudWatch alarms: which endpoint they are about, and what on-call hears of them."""
