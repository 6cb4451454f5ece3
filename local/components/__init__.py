"""The programs of the local stack, one module each."""
