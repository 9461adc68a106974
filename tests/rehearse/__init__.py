"""The rehearsal: the real package on a local AWS, through CloudFormation (`make rehearse`)."""
