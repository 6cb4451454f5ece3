DELETE FROM _batch WHERE _state = 'stale'
