"""Running jobs: the dispatcher in the service, the worker processes and what they do."""
