DROP TABLE quota_usage, quotas, outcomes, tallies, dead_letters, overflow_drained, inbox;
DROP SEQUENCE inbox_id_seq;
