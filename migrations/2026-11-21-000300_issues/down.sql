DROP TABLE environment_projects, environments, release_projects, releases, attachments, events,
    dictionaries, issue_hours, issue_tags, issue_people, issue_changes, issue_hashes, issues;
