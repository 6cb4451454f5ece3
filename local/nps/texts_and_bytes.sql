-- Rows are added and never changed: no updated_at and no deleted flag.
CREATE TABLE IF NOT EXISTS texts_and_bytes (
    tenant VARCHAR(20) NOT NULL,
    document_id INT UNSIGNED NOT NULL,
    c_char_10 CHAR(10) NULL,
    c_varchar_100 VARCHAR(100) NULL,
    c_varchar_latin1 VARCHAR(100) CHARACTER SET latin1 NULL,
    c_tinytext TINYTEXT NULL,
    c_text TEXT NULL,
    c_mediumtext MEDIUMTEXT NULL,
    c_longtext LONGTEXT NULL,
    c_enum ENUM('small', 'medium, or so', 'größer', '') NULL,
    c_set SET('a', 'b', 'with space') NULL,
    c_binary_4 BINARY(4) NULL,
    c_varbinary_300 VARBINARY(300) NULL,
    c_tinyblob TINYBLOB NULL,
    c_blob BLOB NULL,
    c_mediumblob MEDIUMBLOB NULL,
    c_longblob LONGBLOB NULL,
    c_json JSON NULL,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (tenant, document_id),
    KEY texts_and_bytes_created_at (created_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
