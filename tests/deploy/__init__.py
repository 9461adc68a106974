"""What is deployed: the zip's contents, the stack around it, and the real zip running as Lambda runs it."""
