ALTER TABLE schedule DROP COLUMN last_success_at;
DROP TABLE measures;
