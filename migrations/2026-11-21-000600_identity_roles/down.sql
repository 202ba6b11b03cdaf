DROP TABLE identity_roles;
