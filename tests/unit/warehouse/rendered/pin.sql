-- Takes the table's metadata lock: no ALTER TABLE comes between what is described and what is read.
SELECT 1 FROM `prod`.`nps` LIMIT 1 -- noqa: AM09
