DROP TABLE project_keys, projects, api_tokens, members, organizations, users;
