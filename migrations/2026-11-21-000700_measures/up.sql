-- What the leading beat measures for all processes, and what operators watch of the schedule.

CREATE TABLE measures (
    is_latest boolean PRIMARY KEY DEFAULT true CHECK (is_latest),
    taken_at timestamptz NOT NULL,
    organizations bigint NOT NULL,
    projects jsonb NOT NULL
);
COMMENT ON TABLE measures IS 'What was last measured of the whole installation, in one row.';
COMMENT ON COLUMN measures.projects IS
    'Every project: its organization, its own name in URLs, the events stored within the retention.';

ALTER TABLE schedule ADD COLUMN last_success_at timestamptz;
COMMENT ON COLUMN schedule.last_success_at IS 'When a worker last did the job to its end.';
