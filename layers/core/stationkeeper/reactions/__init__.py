"""What each function does with an event: observe, plan, apply, over ports that `aws` implements."""
