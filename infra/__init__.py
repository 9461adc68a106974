"""What builds, deploys and runs the clinic from outside. Nothing in here is part of a deployment."""
