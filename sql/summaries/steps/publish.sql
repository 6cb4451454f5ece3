-- One transaction: readers see the old rows or the new ones. The table stays, and with it its grants and views.
DELETE FROM {{ target }};
INSERT INTO {{ target }} SELECT * FROM {{ beside }};
DROP TABLE {{ beside }}
