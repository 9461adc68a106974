"""Two people at once, for real: threads against a DynamoDB in another process."""
