-- Everything may be NULL here, so that a NULL in the key is counted and named rather than hit upon.
CREATE TEMP TABLE {{ stage }} (
    {{ definitions }}
)
