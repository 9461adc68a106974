"""What is remembered. The only place that knows DynamoDB."""
