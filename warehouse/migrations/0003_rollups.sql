-- Aggregates of sealed days, small groups merged. A row counts when a seal names its run; others are left-overs.
--
-- Whole numbers only: they can be added, and they have one form. -1 is a number that is withheld.
-- PARTITION BY year: a question about twelve months opens every part of the partitions, and each costs a millisecond.
CREATE TABLE IF NOT EXISTS @local(rollups) @on_cluster
(
    `site` UInt32,
    `day` Date,
    `run` UInt64 CODEC(Delta(8), ZSTD(1)),
    `dimension` LowCardinality(String),
    `key` String CODEC(ZSTD(1)),
    `parent` String CODEC(ZSTD(1)),
    `visitors` Int64 CODEC(T64, ZSTD(1)),
    `visits` Int64 CODEC(T64, ZSTD(1)),
    `pageviews` Int64 CODEC(T64, ZSTD(1)),
    `events` Int64 CODEC(T64, ZSTD(1)),
    `bounces` Int64 CODEC(T64, ZSTD(1)),
    `engaged_visits` Int64 CODEC(T64, ZSTD(1)),
    `single_page_visits` Int64 CODEC(T64, ZSTD(1)),
    `visit_pageviews` Int64 CODEC(T64, ZSTD(1)),
    `visit_ms` Int64 CODEC(T64, ZSTD(1)),
    `engaged_ms` Int64 CODEC(T64, ZSTD(1))
)
ENGINE = @engine
PARTITION BY toYear(day)
ORDER BY (site, dimension, day, run, parent, key)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    min_compressed_bytes_to_fsync_after_merge = 1,
    old_parts_lifetime = 1,
    cleanup_delay_period = 1,
    cleanup_delay_period_random_add = 0,
    max_cleanup_delay_period = 2;

@distributed(rollups, site);
