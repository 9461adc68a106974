"""The clinic on one machine: a DynamoDB of its own, a web server, made-up staff. No AWS account, nothing leaves."""
