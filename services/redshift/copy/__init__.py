"""COPY from S3."""
