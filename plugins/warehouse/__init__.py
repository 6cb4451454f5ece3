"""The incremental load MySQL → S3 → Redshift: configuration, types, SQL, manifests; see docs/warehouse-contract.md."""
