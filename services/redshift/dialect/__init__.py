"""Redshift's SQL, turned into PostgreSQL's: text in, text or a plan out; no connection is touched here."""
