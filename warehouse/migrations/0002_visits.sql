-- Visits: one row for each visitor of a site's day, its visits as arrays of equal length, counted by the tick.
--
-- A newer row of the same visitor replaces the older one (tick); FINAL shows the newest alone, whether merged or not.
-- PARTITION BY (day, keep) as in `events`: a purge drops both partitions. TTL: the legal maximum, as there.
CREATE TABLE IF NOT EXISTS @local(visits) @on_cluster
(
    `site` UInt32,
    `day` Date,
    `keep` UInt16,
    `visitor` FixedString(16),
    `stored_on` Date,
    `known` UInt8,
    `tick` UInt64,
    `began` Array(Int64),
    `took_ms` Array(UInt32),
    `rows` Array(UInt32),
    `views` Array(UInt32),
    `counted` Array(UInt32),
    `engaged_ms` Array(UInt64),
    `acts` Array(UInt32),
    `engaged` Array(UInt8),
    `single` Array(UInt8),
    `conversions` Array(UInt32),
    `revenue` Array(Map(LowCardinality(String), Int64)),
    `exit_method` Array(LowCardinality(String)),
    `entry_page` Array(String),
    `exit_page` Array(String),
    `entry_page_hostname` Array(LowCardinality(String)),
    `exit_page_hostname` Array(LowCardinality(String)),
    `source` Array(LowCardinality(String)),
    `referrer` Array(String),
    `source_kind` Array(LowCardinality(String)),
    `channel` Array(LowCardinality(String)),
    `click_network` Array(LowCardinality(String)),
    `utm_source` Array(LowCardinality(String)),
    `utm_medium` Array(LowCardinality(String)),
    `utm_campaign` Array(LowCardinality(String)),
    `utm_term` Array(LowCardinality(String)),
    `utm_content` Array(LowCardinality(String)),
    `utm_id` Array(LowCardinality(String)),
    `utm_source_platform` Array(LowCardinality(String)),
    `utm_creative_format` Array(LowCardinality(String)),
    `utm_marketing_tactic` Array(LowCardinality(String)),
    `country` Array(LowCardinality(String)),
    `region` Array(LowCardinality(String)),
    `city` Array(String),
    `city_id` Array(LowCardinality(String)),
    `language` Array(LowCardinality(String)),
    `timezone` Array(LowCardinality(String)),
    `browser` Array(LowCardinality(String)),
    `browser_version` Array(LowCardinality(String)),
    `engine` Array(LowCardinality(String)),
    `os` Array(LowCardinality(String)),
    `os_version` Array(LowCardinality(String)),
    `device` Array(LowCardinality(String)),
    `platform` Array(LowCardinality(String)),
    `screen_class` Array(LowCardinality(String)),
    `viewport_class` Array(LowCardinality(String)),
    `screen` Array(LowCardinality(String)),
    `build` Array(LowCardinality(String))
)
ENGINE = @engine(Replacing, tick)
PARTITION BY (day, keep)
PRIMARY KEY (site, day, visitor)
ORDER BY (site, day, visitor)
TTL stored_on + INTERVAL 395 DAY DELETE
SETTINGS
    old_parts_lifetime = 1,
    cleanup_delay_period = 1,
    cleanup_delay_period_random_add = 0,
    max_cleanup_delay_period = 2,
    merge_with_ttl_timeout = 3600;

@distributed(visits, site);
