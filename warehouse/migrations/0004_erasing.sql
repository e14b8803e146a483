-- What is being erased: a statement names this table, and never an identifier. Emptied when the rows have gone.
--
-- A real table: with one in memory a rewrite that was cut short says after the restart that it is done, and is not.
CREATE TABLE IF NOT EXISTS @local(erasing) @on_cluster
(
    `what` LowCardinality(String),
    `site` UInt32,
    `pseudonym` FixedString(16),
    `day` Date,
    `upto` DateTime64(3, 'UTC')
)
ENGINE = @everywhere
ORDER BY (what, site, pseudonym)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    old_parts_lifetime = 1,
    cleanup_delay_period = 1,
    cleanup_delay_period_random_add = 0,
    max_cleanup_delay_period = 2;

-- Whose visits have to be counted afresh, for the same time.
CREATE TABLE IF NOT EXISTS @local(erased_visitors) @on_cluster
(
    `site` UInt32,
    `day` Date,
    `visitor` FixedString(16)
)
ENGINE = @everywhere
ORDER BY (day, site, visitor)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    old_parts_lifetime = 1,
    cleanup_delay_period = 1,
    cleanup_delay_period_random_add = 0,
    max_cleanup_delay_period = 2;
