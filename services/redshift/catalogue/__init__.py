"""What Redshift has in its catalogue and PostgreSQL has not: functions, system tables and views."""
