"""What the deeds cost: requests and units, counted on an engine that reports them as DynamoDB does, and held to."""
