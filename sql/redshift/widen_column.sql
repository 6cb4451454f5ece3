-- Not in a transaction: Redshift refuses it there.
ALTER TABLE {{ target }} ALTER COLUMN {{ column }} TYPE {{ type }}
