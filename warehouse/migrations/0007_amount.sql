-- Money, of rows about revenue, in the currency's minor units; 0 in all others, -1 where it is withheld.
ALTER TABLE @local(rollups) @on_cluster ADD COLUMN IF NOT EXISTS `amount` Int64 CODEC(T64, ZSTD(1));

ALTER TABLE rollups @on_cluster ADD COLUMN IF NOT EXISTS `amount` Int64;
