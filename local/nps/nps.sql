-- Answers to "how likely are you to recommend us?", 0 to 10.
CREATE TABLE IF NOT EXISTS nps (
    id BIGINT NOT NULL,
    user_id INT UNSIGNED NOT NULL,
    email VARCHAR(120) NULL,
    score TINYINT UNSIGNED NOT NULL,
    comment VARCHAR(500) NULL,
    channel ENUM('web', 'ios', 'android', 'email') NOT NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL, -- moves with every change, also with a delete
    deleted TINYINT(1) NOT NULL DEFAULT 0,
    PRIMARY KEY (id),
    KEY nps_updated_at (updated_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
