/* ---
description: Fails on purpose.
entity_key: id
quasi_identifiers: []
sensitive: []
--- */
SELECT id FROM guests_who_never_were
