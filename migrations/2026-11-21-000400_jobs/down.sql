DROP TABLE leases, schedule, jobs;
