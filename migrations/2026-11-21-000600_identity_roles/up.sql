CREATE TABLE identity_roles (
    identity_id bigint NOT NULL REFERENCES identities ON DELETE CASCADE,
    organization_id bigint NOT NULL REFERENCES organizations ON DELETE CASCADE,
    role_before smallint,
    PRIMARY KEY (identity_id, organization_id)
);
COMMENT ON TABLE identity_roles IS 'What sign-in providers made people in organizations, so that it can be taken back.';
COMMENT ON COLUMN identity_roles.role_before IS 'The role from before; empty if the person was no member.';
CREATE INDEX identity_roles_organization_idx ON identity_roles (organization_id);
