//! Tables that are queried through diesel's builder. A test compares this with the database.

diesel::table! {
    users (id) {
        id -> BigInt,
        email -> Text,
        name -> Text,
        password_hash -> Nullable<Text>,
        is_active -> Bool,
        is_staff -> Bool,
        is_superuser -> Bool,
        created_at -> Timestamptz,
        last_login_at -> Nullable<Timestamptz>,
        options -> Jsonb,
        subscribe_by_default -> Bool,
    }
}

diesel::table! {
    organizations (id) {
        id -> BigInt,
        name -> Text,
        slug -> Text,
        created_at -> Timestamptz,
        is_accepting_events -> Bool,
        event_throttle_rate -> SmallInt,
        scrub_ip_addresses -> Bool,
        open_membership -> Bool,
        require_second_factor -> Bool,
        retention_days -> Nullable<Integer>,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    members (id) {
        id -> BigInt,
        organization_id -> BigInt,
        user_id -> Nullable<BigInt>,
        role -> SmallInt,
        created_at -> Timestamptz,
        email -> Nullable<Text>,
        is_primary_owner -> Bool,
        invited_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    api_tokens (id) {
        id -> BigInt,
        user_id -> BigInt,
        token_hash -> Binary,
        label -> Text,
        scopes -> BigInt,
        created_at -> Timestamptz,
        hint -> Text,
        expires_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    projects (id) {
        id -> BigInt,
        organization_id -> BigInt,
        name -> Text,
        slug -> Text,
        platform -> Nullable<Text>,
        created_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        first_event_at -> Nullable<Timestamptz>,
        event_throttle_rate -> SmallInt,
        scrub_ip_addresses -> Bool,
        scrub_secrets -> Bool,
        grouping_mechanism -> SmallInt,
        dictionary_tried_at -> Nullable<Timestamptz>,
        last_issue_number -> BigInt,
        retention_days -> Nullable<Integer>,
    }
}

diesel::table! {
    project_keys (id) {
        id -> BigInt,
        project_id -> BigInt,
        public_key -> Uuid,
        label -> Text,
        is_active -> Bool,
        rate_limit_count -> Nullable<Integer>,
        rate_limit_window -> Nullable<Integer>,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    user_emails (id) {
        id -> BigInt,
        user_id -> BigInt,
        email -> Text,
        is_verified -> Bool,
        is_primary -> Bool,
        created_at -> Timestamptz,
        confirmation_sent_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sessions (id) {
        id -> BigInt,
        key_hash -> Binary,
        user_id -> Nullable<BigInt>,
        data -> Jsonb,
        client_ip -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        created_at -> Timestamptz,
        last_seen_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    authenticators (id) {
        id -> BigInt,
        user_id -> BigInt,
        kind -> SmallInt,
        name -> Text,
        data -> Jsonb,
        credential_id -> Nullable<Binary>,
        created_at -> Timestamptz,
        last_used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sign_in_providers (id) {
        id -> BigInt,
        slug -> Text,
        kind -> Text,
        name -> Text,
        client_id -> Text,
        client_secret -> Text,
        settings -> Jsonb,
        is_enabled -> Bool,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    identities (id) {
        id -> BigInt,
        user_id -> BigInt,
        provider -> Text,
        uid -> Text,
        email -> Nullable<Text>,
        username -> Nullable<Text>,
        created_at -> Timestamptz,
        last_login_at -> Timestamptz,
    }
}

diesel::table! {
    identity_roles (identity_id, organization_id) {
        identity_id -> BigInt,
        organization_id -> BigInt,
        role_before -> Nullable<SmallInt>,
    }
}

diesel::table! {
    teams (id) {
        id -> BigInt,
        organization_id -> BigInt,
        slug -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    team_members (team_id, member_id) {
        team_id -> BigInt,
        member_id -> BigInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    project_teams (id) {
        id -> BigInt,
        project_id -> BigInt,
        team_id -> BigInt,
    }
}

diesel::table! {
    audit_log (id) {
        id -> BigInt,
        at -> Timestamptz,
        actor_id -> Nullable<BigInt>,
        actor -> Text,
        action -> Text,
        target_kind -> Text,
        target_id -> Text,
        target -> Text,
        organization_id -> Nullable<BigInt>,
        client_ip -> Nullable<Text>,
        details -> Jsonb,
    }
}

diesel::joinable!(members -> organizations (organization_id));
diesel::joinable!(members -> users (user_id));
diesel::joinable!(api_tokens -> users (user_id));
diesel::joinable!(user_emails -> users (user_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(authenticators -> users (user_id));
diesel::joinable!(identities -> users (user_id));
diesel::joinable!(identity_roles -> identities (identity_id));
diesel::joinable!(team_members -> teams (team_id));
diesel::joinable!(team_members -> members (member_id));
diesel::joinable!(project_teams -> teams (team_id));
diesel::joinable!(project_teams -> projects (project_id));
diesel::allow_tables_to_appear_in_same_query!(
    users,
    organizations,
    members,
    api_tokens,
    audit_log,
    authenticators,
    identities,
    identity_roles,
    projects,
    project_keys,
    project_teams,
    sessions,
    sign_in_providers,
    team_members,
    teams,
    user_emails
);
